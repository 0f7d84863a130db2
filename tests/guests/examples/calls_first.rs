//! A guest with a fault: it acts outside before anything says that it will, and nothing in what it
//! sends tells a second request from the first.

use wasmill_test_guests::guest::types::{Delivery, Outgoing};
use wasmill_test_guests::guest::{Failure, Message, post, retry, transaction};

wasmill_test_guests::handler!(handle);

fn handle(message: &Message) -> Result<(), Failure> {
    post(&String::from_utf8_lossy(&message.body), None).map_err(retry)?;
    let charged = Outgoing {
        topic: "told".to_owned(),
        key: message.key.clone(),
        tag: None,
        headers: Vec::new(),
        body: b"charged".to_vec(),
        when: Delivery::Now,
    };
    transaction::prepare("charge", &charged).map_err(retry)?;
    transaction::commit("charge").map(drop).map_err(retry)
}
