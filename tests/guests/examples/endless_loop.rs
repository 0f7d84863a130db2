//! A guest that never comes back.

use std::hint::black_box;

use wasmill_test_guests::guest::{Failure, Message};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let mut turns = message.attempt;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}
