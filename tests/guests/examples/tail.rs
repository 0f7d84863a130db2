//! A guest with a fault: long bodies whose ends alone say how often it was called since it started.
//! It also names what it keeps so that a terminal would obey.

use std::sync::atomic::{AtomicU32, Ordering};

use wasmill_test_guests::guest::types::{Delivery, Outgoing};
use wasmill_test_guests::guest::{Failure, Message, dedup, queue, retry, state, timer};

wasmill_test_guests::handler!(handle);

static CALLS: AtomicU32 = AtomicU32::new(0);
const ESCAPE: &str = "\u{1b}[2J";

fn handle(message: &Message) -> Result<(), Failure> {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed);
    let body = format!("{}{}", "x".repeat(1_000), calls % 10).into_bytes();
    state::put(&format!("long{ESCAPE}"), &body).map_err(retry)?;
    dedup::claim(&format!("claim{ESCAPE}{}", calls % 10), 1_000).map_err(retry)?;
    let alarm = timer::Alarm {
        topic: "idle".to_owned(),
        tag: Some(format!("tag{ESCAPE}")),
        headers: vec![("call".to_owned(), (calls % 10).to_string())],
        body: Vec::new(),
    };
    timer::set(
        &format!("timer{ESCAPE}"),
        Delivery::After(3_600_000),
        &alarm,
    )
    .map_err(retry)?;
    let told = Outgoing {
        topic: "told".to_owned(),
        key: message.key.clone(),
        tag: Some(format!("tag{ESCAPE}")),
        headers: vec![("header".to_owned(), ESCAPE.to_owned())],
        body,
        when: Delivery::Now,
    };
    queue::send(&told).map(drop).map_err(retry)
}
