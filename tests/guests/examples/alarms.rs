//! A guest that sets timers by the thousand, notes when each comes, and tells over its query.

use std::time::{SystemTime, UNIX_EPOCH};

use wasmill_test_guests::guest::types::Delivery;
use wasmill_test_guests::guest::{Failure, Message, Request, retry, state, timer};
use world::exports::wasmill::plugin::handler;
use world::exports::wasmill::plugin::query::{self, Response};

wasmill_test_guests::world!("step-with-query", Component);

/// Most entries that one scan returns.
const SCAN_COUNT_MAX: u32 = 1_000;

struct Component;

impl handler::Guest for Component {
    fn handle(message: Message) -> Result<(), Failure> {
        match message.topic.as_str() {
            "alarms.set" => set(&numbers(&message.body)?),
            _ => ring(&numbers(&message.body)?),
        }
    }
}

impl query::Guest for Component {
    /// A line for each timer that came: its number, when it was due, and when it came. Those
    /// that came more than once are marked.
    fn answer(_key: String, _request: Request) -> Response {
        let mut lines = String::new();
        for prefix in ["came/", "again/"] {
            for (name, value) in state::scan(prefix, None, SCAN_COUNT_MAX).unwrap_or_default() {
                lines += &format!("{name} {}\n", String::from_utf8_lossy(&value));
            }
        }
        Response {
            status: 200,
            headers: Vec::new(),
            body: lines.into_bytes(),
            settled: true,
        }
    }
}

/// Sets `count` timers that fall due from `from` on, spread over `span` milliseconds.
fn set(numbers: &[u64]) -> Result<(), Failure> {
    let &[from, span, count] = numbers else {
        return Err(Failure::Reject(
            "from, span and count are needed".to_owned(),
        ));
    };
    for number in 0..count {
        // Spread evenly in no order, differently for each start.
        let mixed = (from ^ number.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let due = from + mixed % span;
        let alarm = timer::Alarm {
            topic: "alarm".to_owned(),
            tag: None,
            headers: Vec::new(),
            body: format!("{number} {due}").into_bytes(),
        };
        timer::set(&number.to_string(), Delivery::At(due), &alarm).map_err(retry)?;
    }
    Ok(())
}

/// Notes that a timer came.
fn ring(numbers: &[u64]) -> Result<(), Failure> {
    let &[number, due] = numbers else {
        return Err(Failure::Reject("a number and a time are needed".to_owned()));
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| now.as_millis());
    let name = format!("came/{number}");
    let note = format!("{due} {now}").into_bytes();
    match state::get(&name).map_err(retry)? {
        None => state::put(&name, &note).map_err(retry),
        Some(_) => state::put(&format!("again/{number}"), &note).map_err(retry),
    }
}

fn numbers(body: &[u8]) -> Result<Vec<u64>, Failure> {
    let text = String::from_utf8_lossy(body);
    let numbers = text.split_whitespace().map(str::parse);
    let numbers: Result<_, _> = numbers.collect();
    numbers.map_err(|error| Failure::Reject(format!("`{text}`: {error}")))
}
