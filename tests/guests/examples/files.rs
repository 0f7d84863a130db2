//! A guest that writes a file named by its message, and keeps what it reads back.

use std::fs;

use wasmill_test_guests::guest::{Failure, Message, retry, state};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let path = format!("/{}", String::from_utf8_lossy(&message.body));
    fs::write(&path, "hello").map_err(retry)?;
    state::put("read", &fs::read(&path).map_err(retry)?).map_err(retry)
}
