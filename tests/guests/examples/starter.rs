//! A guest that acts before anybody calls it, as Go's `init` and static constructors do: it writes the
//! file `started`, unless there is one named `stop`, and posts to the host in its environment.

use std::{env, fs};

use wasmill_test_guests::guest::{Failure, Message, post, retry, state};

wasmill_test_guests::handler!(handle);

#[expect(unsafe_code, reason = "what runs first is a symbol")]
#[unsafe(export_name = "_initialize")]
extern "C" fn start() {
    assert!(!fs::exists("/stop").unwrap_or(false), "told not to start");
    let _ = fs::write("/started", "here");
    if let Ok(authority) = env::var("ORIGIN") {
        let _ = post(&authority, None);
    }
}

fn handle(message: &Message) -> Result<(), Failure> {
    state::put("seen", &message.body).map_err(retry)
}
