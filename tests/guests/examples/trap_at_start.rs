//! A guest that panics before its first call.

use wasmill_test_guests::guest::{Failure, Message};

wasmill_test_guests::handler!(handle);

fn handle(_message: Message) -> Result<(), Failure> {
    Ok(())
}

extern "C" fn start() {
    panic!("this plugin does not want to start");
}

#[expect(unsafe_code, reason = "the only way for a Rust component to run code at its start")]
#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;
