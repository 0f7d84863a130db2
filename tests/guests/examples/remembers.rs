//! A guest with a fault: it keeps the ids that it has seen in its memory, which a crash takes.

use std::collections::BTreeSet;
use std::sync::Mutex;

use wasmill_test_guests::guest::{Failure, Message, retry, send};

wasmill_test_guests::handler!(handle);

static SEEN: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());

fn handle(message: &Message) -> Result<(), Failure> {
    let mut seen = SEEN.lock().expect("no panic here");
    match seen.insert(message.body.clone()) {
        true => send("told", message.body.clone()).map(drop).map_err(retry),
        false => Ok(()),
    }
}
