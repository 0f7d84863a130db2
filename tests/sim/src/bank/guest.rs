//! The guest of the bank: accounts that send money to each other, with timers.
//!
//! Its handlers check what they can see - nothing handled twice, nothing out of order, no timer
//! early or after its cancellation - and its state lets the rest be checked at the end.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::{Millis, Name, When};
use wasmill_port::Call;
use wasmill_port::call::{Alarm, CallError, Outgoing};

use super::{INITIAL, TimerOrder, Transfer, halves};
use crate::guest::{body, bump, failure, get, once, put};

/// How long the claims of `claim_briefly` are in force.
const BRIEF_MS: i64 = 60;

/// What a timer carries.
#[derive(Debug, Serialize, Deserialize)]
struct Ring {
    /// The transfer that set it.
    id: u64,
}

/// Handles a message.
pub(crate) async fn handle(call: &mut Call) -> Result<(), Failure> {
    let subscription = call.delivery().subscription.clone();
    match &*subscription {
        "transfer" => transfer(call).await,
        "receipt" => halves::receive(call),
        "credit" => credit(call),
        "tally" => bump(call, "tally").map_err(Into::into),
        "stray" => stray(call),
        "ring" => ring(call),
        other => panic!("a message for subscription `{other}`, which does not exist"),
    }
}

async fn transfer(call: &mut Call) -> Result<(), Failure> {
    let it: Transfer = body(call);
    if it.poison {
        return Err(failure(FailureKind::Reject, "poison"));
    }
    halves::prepare(call, &it).await?;
    once(call, &format!("sent/{}", it.id))?;
    let last = get(call, "turn")?.unwrap_or(-1);
    let turn = i64::try_from(it.turn).expect("few turns");
    assert!(turn > last, "account {}: turn {turn} after {last}", it.from);
    put(call, "turn", turn)?;
    let balance = get(call, "balance")?.unwrap_or(INITIAL);
    put(call, "balance", balance - it.amount)?;
    let body: Bytes = serde_json::to_vec(&it).expect("a transfer").into();
    let outgoing = |topic: &str, when| Outgoing {
        topic: topic.into(),
        key: Some(it.from.as_str().into()),
        tag: None,
        headers: Vec::new(),
        body: body.clone(),
        when,
    };
    let when = if it.id.is_multiple_of(5) {
        When::After(it.id % 90)
    } else {
        When::Now
    };
    call.send_many(vec![
        outgoing("credit", when),
        outgoing("unheard", When::Now),
    ])?;
    // Twice, for the subscriptions that tell duplicates.
    if it.id.is_multiple_of(7) {
        call.send(outgoing("credit", When::Now))?;
    }
    match it.timer {
        Some(TimerOrder::Set { name, delay }) => set(call, it.id, &name, delay)?,
        Some(TimerOrder::Cancel { name }) => cancel(call, &name)?,
        Some(TimerOrder::Move { name, delay }) => reschedule(call, &name, delay)?,
        None => {}
    }
    Ok(())
}

fn credit(call: &mut Call) -> Result<(), Failure> {
    let it: Transfer = body(call);
    assert_eq!(
        call.delivery().key.as_deref(),
        Some(it.to.as_str()),
        "re-keyed to the receiver"
    );
    once(call, &format!("got/{}", it.id))?;
    let balance = get(call, "balance")?.unwrap_or(INITIAL);
    put(call, "balance", balance + it.amount)?;
    claim_briefly(call)
}

/// Claims an id for a short time: for the first time exactly if the last such claim is over.
fn claim_briefly(call: &mut Call) -> Result<(), Failure> {
    let now = i64::try_from(call.now().0).expect("a near time");
    let until = get(call, "brief")?.unwrap_or(0);
    let first = call.claim("brief", BRIEF_MS.unsigned_abs())?;
    assert_eq!(
        first,
        now >= until,
        "whether the claim of {until} is over at {now}"
    );
    if first {
        put(call, "brief", now + BRIEF_MS)?;
    }
    Ok(())
}

/// Without a key there is no state; it counts by a message to nobody's account.
fn stray(call: &mut Call) -> Result<(), Failure> {
    assert_eq!(call.get("balance"), Err(CallError::NoKey));
    Ok(())
}

fn set(call: &mut Call, id: u64, name: &str, delay: u64) -> Result<(), Failure> {
    let due = call.now() + Duration::from_millis(delay);
    retire(call, name)?;
    put(
        call,
        &format!("timer/{name}"),
        i64::try_from(id).expect("few ids"),
    )?;
    put(
        call,
        &format!("due/{id}"),
        i64::try_from(due.0).expect("a near time"),
    )?;
    let body = serde_json::to_vec(&Ring { id }).expect("a ring").into();
    let alarm = Alarm {
        topic: "ring".into(),
        tag: None,
        headers: Vec::new(),
        body,
    };
    Ok(call.set_timer(name, When::At(due), alarm)?)
}

fn cancel(call: &mut Call, name: &str) -> Result<(), Failure> {
    let expected = call.get(&format!("timer/{name}"))?.is_some();
    let cancelled = call.cancel_timer(name)?;
    assert_eq!(cancelled, expected, "whether timer {name} was pending");
    retire(call, name)
}

fn reschedule(call: &mut Call, name: &str, delay: u64) -> Result<(), Failure> {
    let due = call.now() + Duration::from_millis(delay);
    let moved = call.reschedule_timer(name, When::At(due))?;
    let pending = get(call, &format!("timer/{name}"))?;
    assert_eq!(moved, pending.is_some(), "whether timer {name} was pending");
    if let Some(id) = pending {
        put(
            call,
            &format!("due/{id}"),
            i64::try_from(due.0).expect("a near time"),
        )?;
    }
    Ok(())
}

/// The timer pending under `name` must never ring.
fn retire(call: &mut Call, name: &str) -> Result<(), Failure> {
    if let Some(id) = get(call, &format!("timer/{name}"))? {
        put(call, &format!("retired/{id}"), 1)?;
        call.put(&format!("timer/{name}"), None)?;
    }
    Ok(())
}

fn ring(call: &mut Call) -> Result<(), Failure> {
    let Ring { id } = body(call);
    let due = get(call, &format!("due/{id}"))?.expect("a timer that was set");
    let due = Millis(u64::try_from(due).expect("a time"));
    assert!(
        call.now() >= due,
        "timer {id} rings at {}, before {due}",
        call.now()
    );
    assert_eq!(
        call.get(&format!("retired/{id}"))?,
        None,
        "timer {id} was cancelled"
    );
    once(call, &format!("rung/{id}"))?;
    let name: Name = call
        .delivery()
        .message
        .timer
        .clone()
        .expect("a timer's name");
    Ok(call.put(&format!("timer/{name}"), None)?)
}
