//! A guest that panics in its handler, a few calls deep.

use wasmill_test_guests::guest::{Failure, Message};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    decide(message);
    Ok(())
}

#[inline(never)]
fn decide(message: &Message) {
    assert!(
        message.body == b"fine",
        "the body {:?} is not fine",
        message.body
    );
}
