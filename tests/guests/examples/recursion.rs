//! A guest that recurses without end.

use std::hint::black_box;

use wasmill_test_guests::guest::{Failure, Message};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    black_box(descend(message.attempt.into()));
    Ok(())
}

#[expect(unconditional_recursion, reason = "what this guest is for")]
#[inline(never)]
fn descend(depth: u64) -> u64 {
    black_box(depth) + descend(black_box(depth + 1))
}
