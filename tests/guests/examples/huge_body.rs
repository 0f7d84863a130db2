//! A guest that sends a body of 100 MiB, and handles its message all the same when refused.

use wasmill_test_guests::guest::types::Error;
use wasmill_test_guests::guest::{Failure, Message, retry, send, state};

wasmill_test_guests::handler!(handle);

fn handle(_message: &Message) -> Result<(), Failure> {
    match send("counted", vec![7; 100 << 20]) {
        Err(Error::Limit(over)) => {
            let report = format!("{}: {} of {}", over.what, over.actual, over.limit);
            state::put("refused", report.as_bytes()).map_err(retry)
        }
        other => Err(retry(other)),
    }
}
