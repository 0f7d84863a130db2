//! A guest that takes all the memory there is.

use std::hint::black_box;

use wasmill_test_guests::guest::{Failure, Message};

wasmill_test_guests::handler!(handle);

fn handle(_message: &Message) -> Result<(), Failure> {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}
