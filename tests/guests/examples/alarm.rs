//! A guest that sets a timer, named by the message's body, for an hour later.

use wasmill_test_guests::guest::types::Delivery;
use wasmill_test_guests::guest::{Failure, Message, retry, timer};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    let name = String::from_utf8_lossy(&message.body);
    let alarm = timer::Alarm {
        topic: message.topic.clone(),
        tag: None,
        headers: Vec::new(),
        body: Vec::new(),
    };
    timer::set(&name, Delivery::After(3_600_000), &alarm).map_err(retry)
}
