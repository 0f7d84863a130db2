//! A guest that sends a million messages from one handler. It heeds a refusal only if the body
//! says so.

use wasmill_test_guests::guest::{Failure, Message, retry, send};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let heeds = message.body == b"heed";
    for _ in 0..1_000_000 {
        let sent = send("counted", Vec::new());
        if heeds {
            sent.map_err(retry)?;
        }
    }
    Ok(())
}
