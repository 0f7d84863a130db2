//! A guest with a fault, the inverse of `calls_first`: it marks in a file that it is about to act
//! outside, and acts no more once that is marked. What fell between the two is never done.

use std::fs;

use wasmill_test_guests::guest::{Failure, Message, post, retry, send};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let mark = format!("/{}", message.id);
    if !fs::exists(&mark).map_err(retry)? {
        fs::write(&mark, "charging").map_err(retry)?;
        let authority = String::from_utf8_lossy(&message.body);
        post(&authority, Some(&message.id)).map_err(retry)?;
    }
    send("told", b"charged".to_vec()).map(drop).map_err(retry)
}
