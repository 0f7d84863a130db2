//! A guest that sends on with the delay level that its message's body names.

use wasmill_test_guests::guest::types::{Delivery, Outgoing};
use wasmill_test_guests::guest::{Failure, Message, queue, retry};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let level = String::from_utf8_lossy(&message.body);
    let when = Delivery::Level(level.parse().map_err(retry)?);
    let sent = queue::send(&Outgoing {
        topic: "counted".to_owned(),
        key: None,
        tag: None,
        headers: Vec::new(),
        body: message.body.clone(),
        when,
    });
    sent.map(drop).map_err(retry)
}
