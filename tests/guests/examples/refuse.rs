//! A guest that fails in the way that its message asks for.

use wasmill_test_guests::guest::{Failure, Message, RetryLater, retry, send, state};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    state::put("touched", b"yes").map_err(retry)?;
    send("counted", Vec::new()).map_err(retry)?;
    let cause = || "as asked".to_owned();
    match &*message.body {
        b"retry" => Err(Failure::Retry(cause())),
        b"retry-after" => Err(Failure::RetryAfter(RetryLater {
            delay: 1_500,
            cause: cause(),
        })),
        b"retry-once" if message.attempt == 1 => Err(Failure::Retry(cause())),
        b"reject" => Err(Failure::Reject(cause())),
        _ => Ok(()),
    }
}
