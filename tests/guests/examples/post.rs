//! A guest that posts to `http://<authority>/` so many bytes as its message says after a space, and
//! keeps the answer, or fails with the error.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasmill_test_guests::guest::{Failure, Message, retry, state};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(&message.body);
    let (authority, bytes) = text.split_once(' ').ok_or_else(|| retry("no space"))?;
    let answer = post(authority, bytes.parse().map_err(retry)?).map_err(retry)?;
    state::put("answer", &answer).map_err(retry)
}

fn post(authority: &str, bytes: usize) -> Result<Vec<u8>, ErrorCode> {
    let malformed = |()| ErrorCode::HttpRequestUriInvalid;
    let request = OutgoingRequest::new(Fields::new());
    request.set_method(&Method::Post).map_err(malformed)?;
    request.set_scheme(Some(&Scheme::Http)).map_err(malformed)?;
    request.set_authority(Some(authority)).map_err(malformed)?;
    request.set_path_with_query(Some("/")).map_err(malformed)?;
    let body = request.body().map_err(malformed)?;
    let pending = outgoing_handler::handle(request, None::<RequestOptions>)?;
    let stream = body.write().map_err(malformed)?;
    for chunk in vec![b'x'; bytes].chunks(4_096) {
        // Who refuses the request reads no further; why, the answer tells.
        if stream.blocking_write_and_flush(chunk).is_err() {
            break;
        }
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    pending.subscribe().block();
    let response = pending
        .get()
        .expect("it is ready")
        .expect("it was not taken")?;
    let content = response.consume().expect("it was not taken");
    let stream = content.stream().expect("it was not taken");
    Ok(stream.blocking_read(64 << 10).unwrap_or_default())
}
