//! A guest that posts to `http://<authority>/` so many bytes as its message says after a space, and
//! keeps the answer, or fails with the error. An answer to a body that was not taken is an error too. With
//! `random` at the end, the first bytes are others each time.

use std::hash::{BuildHasher, Hasher, RandomState};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasmill_test_guests::guest::{Failure, Message, retry, state};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(&message.body);
    let mut words = text.split(' ');
    let [authority, bytes] = [words.next(), words.next()].map(Option::unwrap_or_default);
    let mut body = vec![b'x'; bytes.parse().map_err(retry)?];
    if words.next() == Some("random") {
        let random = RandomState::new().build_hasher().finish();
        body[..8].copy_from_slice(&random.to_le_bytes());
    }
    let (answer, taken) = post(authority, &body).map_err(retry)?;
    match (answer, taken) {
        (Ok(answer), true) => state::put("answer", &answer).map_err(retry),
        (Ok(_), false) => Err(retry("answered, and the body was not taken")),
        (Err(error), true) => Err(retry(error)),
        (Err(error), false) => Err(retry(format!("{error:?}, and the body was not taken"))),
    }
}

/// The answer, and whether all of the body was taken.
fn post(authority: &str, content: &[u8]) -> Result<(Result<Vec<u8>, ErrorCode>, bool), ErrorCode> {
    let malformed = |()| ErrorCode::HttpRequestUriInvalid;
    let request = OutgoingRequest::new(Fields::new());
    request.set_method(&Method::Post).map_err(malformed)?;
    request.set_scheme(Some(&Scheme::Http)).map_err(malformed)?;
    request.set_authority(Some(authority)).map_err(malformed)?;
    request.set_path_with_query(Some("/")).map_err(malformed)?;
    let body = request.body().map_err(malformed)?;
    let pending = outgoing_handler::handle(request, None::<RequestOptions>)?;
    let stream = body.write().map_err(malformed)?;
    let mut chunks = content.chunks(4_096);
    let taken = chunks.all(|chunk| stream.blocking_write_and_flush(chunk).is_ok());
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    pending.subscribe().block();
    let answer = pending.get().expect("it is ready");
    let answer = answer.expect("it was not taken").map(|response| {
        let content = response.consume().expect("it was not taken");
        let stream = content.stream().expect("it was not taken");
        // To its end.
        let mut content = Vec::new();
        while let Ok(chunk) = stream.blocking_read(64 << 10) {
            content.extend(chunk);
        }
        content
    });
    Ok((answer, taken))
}
