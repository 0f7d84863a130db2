//! A guest that sleeps for an hour.

use std::time::Duration;

use wasmill_test_guests::guest::{Failure, Message};

wasmill_test_guests::handler!(handle);

fn handle(_message: &Message) -> Result<(), Failure> {
    std::thread::sleep(Duration::from_secs(3_600));
    Ok(())
}
