//! A guest with a fault: it marks in a file what it is about to send, and sends nothing that is
//! marked. A file is there at once; what is sent is not.

use std::fs;

use wasmill_test_guests::guest::{Failure, Message, retry, send};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let mark = format!("/{}", String::from_utf8_lossy(&message.body));
    if fs::exists(&mark).map_err(retry)? {
        return Ok(());
    }
    fs::write(&mark, "sent").map_err(retry)?;
    send("told", message.body.clone()).map(drop).map_err(retry)
}
