//! A guest that gets `http://<body>/` and keeps the answer, or fails with the error.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;
use wasmill_test_guests::guest::{Failure, Message, retry, state};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let answer = get(&String::from_utf8_lossy(&message.body)).map_err(retry)?;
    state::put("answer", &answer).map_err(retry)
}

fn get(authority: &str) -> Result<Vec<u8>, ErrorCode> {
    let request = OutgoingRequest::new(Fields::new());
    let malformed = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_scheme(Some(&Scheme::Http)).map_err(malformed)?;
    request.set_authority(Some(authority)).map_err(malformed)?;
    request.set_path_with_query(Some("/")).map_err(malformed)?;
    let pending = outgoing_handler::handle(request, None)?;
    pending.subscribe().block();
    let response = pending
        .get()
        .expect("it is ready")
        .expect("it was not taken")?;
    let body = response.consume().expect("it was not taken");
    let stream = body.stream().expect("it was not taken");
    let mut content = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(chunk) => content.extend(chunk),
            Err(StreamError::Closed) => return Ok(content),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(ErrorCode::InternalError(Some(error.to_debug_string())));
            }
        }
    }
}
