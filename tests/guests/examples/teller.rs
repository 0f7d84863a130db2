//! A guest that does all that a trial looks at, and does it right: it claims, counts, sends, sets a
//! timer, logs and asks over HTTP, each time with the message's id as the idempotency key.
//!
//! The body is an id and, after a blank, an authority to ask, if any. The timer's message tells of
//! the end.

use wasmill_test_guests::guest::types::{Delivery, Outgoing};
use wasmill_test_guests::guest::{
    Failure, Message, config, dedup, log, post, queue, retry, state, timer,
};

wasmill_test_guests::handler!(handle);

const HOUR_MS: u64 = 3_600_000;

fn handle(message: &Message) -> Result<(), Failure> {
    let key = message.key.as_ref();
    let key = key.ok_or_else(|| Failure::Reject("the message needs a key".to_owned()))?;
    match message.topic.as_str() {
        "pay" => pay(key, message),
        "idle" => {
            state::delete("paid").map_err(retry)?;
            tell(key, b"idle".to_vec())
        }
        other => Err(Failure::Reject(format!(
            "`{other}` is no topic of this plugin"
        ))),
    }
}

fn pay(key: &str, message: &Message) -> Result<(), Failure> {
    let body = String::from_utf8_lossy(&message.body);
    let (id, authority) = match body.split_once(' ') {
        Some((id, authority)) => (id, Some(authority)),
        None => (&*body, None),
    };
    if id.is_empty() {
        return Err(Failure::Reject("`id` must not be empty".to_owned()));
    }
    if !dedup::claim(id, HOUR_MS).map_err(retry)? {
        return Ok(());
    }
    if let Some(authority) = authority {
        let status = post(authority, Some(&message.id)).map_err(retry)?;
        if status != 200 {
            return Err(Failure::Retry(format!("the bank answered {status}")));
        }
    }
    let paid = state::get("paid").map_err(retry)?.unwrap_or_default();
    let paid = [&paid[..], id.as_bytes(), b";"].concat();
    state::put("paid", &paid).map_err(retry)?;
    log::write(log::Level::Info, &format!("{key} paid {id}"));
    let alarm = timer::Alarm {
        topic: "idle".to_owned(),
        tag: None,
        headers: Vec::new(),
        body: Vec::new(),
    };
    timer::set("idle", Delivery::After(HOUR_MS), &alarm).map_err(retry)?;
    let thanks = config::get("thanks").unwrap_or_else(|| "thanks".to_owned());
    tell(
        key,
        format!(r#"{{"say": "{thanks}", "for": "{id}"}}"#).into_bytes(),
    )
}

fn tell(key: &str, body: Vec<u8>) -> Result<(), Failure> {
    let told = Outgoing {
        topic: "told".to_owned(),
        key: Some(key.to_owned()),
        tag: None,
        headers: Vec::new(),
        body,
        when: Delivery::Now,
    };
    queue::send(&told).map(drop).map_err(retry)
}
