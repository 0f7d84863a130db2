//! A guest that sends a random number, its message's id and the time.

use wasip2::clocks::wall_clock;
use wasip2::random::random::get_random_u64;
use wasmill_test_guests::guest::{Failure, Message, retry, send};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let (drawn, now) = (get_random_u64(), wall_clock::now().seconds);
    let told = format!("{drawn} {} {now}", message.id);
    send("told", told.into_bytes()).map(drop).map_err(retry)
}
