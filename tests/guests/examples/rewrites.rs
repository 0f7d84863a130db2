//! A guest with a fault: it empties its one file before it writes it anew, and takes a file that is
//! empty for one that was never written.

use std::fs::{self, File};
use std::io::Write;

use wasmill_test_guests::guest::{Failure, Message, retry, send};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let before = fs::read("/all").unwrap_or_default();
    let mut file = File::create("/all").map_err(retry)?;
    if !before.ends_with(&message.body) {
        file.write_all(&before).map_err(retry)?;
        file.write_all(&message.body).map_err(retry)?;
    } else {
        file.write_all(&before).map_err(retry)?;
    }
    send("told", message.body.clone()).map(drop).map_err(retry)
}
