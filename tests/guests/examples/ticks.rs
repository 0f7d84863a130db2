//! A guest that sets its timer anew each time that it rings, for ever.

use wasmill_test_guests::guest::types::Delivery;
use wasmill_test_guests::guest::{Failure, Message, retry, timer};

wasmill_test_guests::handler!(handle);

fn handle(_message: &Message) -> Result<(), Failure> {
    let alarm = timer::Alarm {
        topic: "idle".to_owned(),
        tag: None,
        headers: Vec::new(),
        body: Vec::new(),
    };
    timer::set("tick", Delivery::After(1_000), &alarm).map_err(retry)
}
