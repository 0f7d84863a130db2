//! A guest that behaves: counts its messages in the key's state and says so.

use wasmill_test_guests::guest::{Failure, Message, retry, send, state};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let seen = state::get("seen").map_err(retry)?;
    let seen: u64 = seen.map_or(0, |text| {
        String::from_utf8_lossy(&text).parse().unwrap_or(0)
    });
    state::put("seen", (seen + 1).to_string().as_bytes()).map_err(retry)?;
    send("counted", message.body.clone()).map_err(retry)?;
    Ok(())
}
