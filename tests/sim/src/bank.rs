//! The guest of the simulation: accounts that send money to each other, with timers.
//!
//! Its handlers check what they can see - nothing handled twice, nothing out of order, no timer
//! early or after its cancellation - and its state lets the world check the rest at the end.

mod halves;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use serde::{Deserialize, Serialize};
use wasmill_engine::{Incoming, ProducerId};
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::half::CheckPolicy;
use wasmill_model::routes::{
    DedupPolicy, KeySource, Order, RetrySchedule, Routes, Subscription, TopicPattern,
};
use wasmill_model::{Millis, Name, When};
use wasmill_port::Call;
use wasmill_port::call::{Alarm, CallError, Outgoing};

pub(crate) use halves::{Receipt, of_id, verdict};

/// What an account holds before anything happened.
pub(crate) const INITIAL: i64 = 1_000;
/// How long the claims of `claim_briefly` are in force.
const BRIEF_MS: i64 = 60;
/// The plugin that holds the accounts.
pub(crate) const PLUGIN: &str = "bank";

/// An order to move money, keyed by the sender's account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transfer {
    /// Unique.
    pub(crate) id: u64,
    /// Consecutive for the account's transfers, in the order in which they are accepted.
    pub(crate) turn: u64,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) amount: i64,
    /// The handler rejects it: it must become a dead letter and move nothing.
    pub(crate) poison: bool,
    pub(crate) timer: Option<TimerOrder>,
    /// The half message that its handler prepares.
    pub(crate) receipt: Option<Receipt>,
    /// What makes it large, so that few of them fill a page of a queue.
    pub(crate) padding: String,
}

/// What a transfer does with a timer of its account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum TimerOrder {
    Set { name: String, delay: u64 },
    Cancel { name: String },
    Move { name: String, delay: u64 },
}

/// What a timer carries.
#[derive(Debug, Serialize, Deserialize)]
struct Ring {
    /// The transfer that set it.
    id: u64,
}

impl Transfer {
    /// The transfer as its client sends it.
    pub(crate) fn incoming(&self) -> Incoming {
        Incoming {
            topic: "transfer".into(),
            key: Some(self.from.as_str().into()),
            tag: None,
            headers: Vec::new(),
            body: serde_json::to_vec(self).expect("a transfer").into(),
            producer_id: Some(ProducerId {
                id: self.id.to_string(),
                window: Duration::from_secs(3_600),
                claimed: None,
            }),
            deliver: When::Now,
            half: None,
            watch: false,
        }
    }
}

/// Topics and subscriptions of the bank.
pub(crate) fn routes() -> Routes {
    let retry = RetrySchedule::new(vec![Duration::from_millis(40); 200]);
    let sub = |name, topic| Subscription {
        retry: retry.clone(),
        ..Subscription::new(name, topic, PLUGIN)
    };
    let topics = ["transfer", "credit", "ring", "unheard", halves::TOPIC]
        .map(TopicPattern::new)
        .to_vec();
    // Some transfers are sent twice: see `transfer`.
    let dedup = Some(DedupPolicy {
        id: KeySource::Pointer("/id".to_owned()),
        window: Duration::from_secs(3_600),
    });
    let rekeyed = Subscription {
        key: Some(KeySource::Pointer("/to".to_owned())),
        dedup: dedup.clone(),
        ..sub("credit", "credit")
    };
    let tally = Subscription {
        order: Order::Global,
        dedup,
        ..sub("tally", "credit")
    };
    let stray = Subscription {
        order: Order::None,
        ..sub("stray", "credit")
    };
    let mut routes = Routes::new(
        topics,
        vec![
            sub("transfer", "transfer"),
            sub("ring", "ring"),
            sub("receipt", halves::TOPIC),
            rekeyed,
            tally,
            stray,
        ],
    );
    let policy = CheckPolicy {
        first: Duration::from_millis(60),
        interval: Duration::from_millis(80),
        count_max: u32::MAX,
        ..CheckPolicy::default()
    };
    routes.checks = vec![(TopicPattern::new(halves::TOPIC), Arc::new(policy))];
    routes
}

/// Handles a message; `luck` decides whether the guest traps on the way.
pub(crate) async fn handle(call: &mut Call, luck: &mut impl Rng) -> Result<(), Failure> {
    let subscription = call.delivery().subscription.clone();
    let result = match &*subscription {
        "transfer" => transfer(call).await,
        "receipt" => halves::receive(call),
        "credit" => credit(call),
        "tally" => bump(call, "tally").map_err(Into::into),
        "stray" => stray(call),
        "ring" => ring(call),
        other => panic!("a message for subscription `{other}`, which does not exist"),
    };
    // A trap at the very end is the worst one: everything was done, nothing may stay.
    match luck.random_ratio(1, 12) {
        true => Err(retry("the guest trapped")),
        false => result,
    }
}

/// The number under `name` in the account's state.
pub(crate) fn number(value: Option<&Bytes>) -> Option<i64> {
    value.map(|bytes| {
        std::str::from_utf8(bytes)
            .expect("a number")
            .parse()
            .expect("a number")
    })
}

async fn transfer(call: &mut Call) -> Result<(), Failure> {
    let it: Transfer = body(call);
    if it.poison {
        return Err(Failure {
            kind: FailureKind::Reject,
            cause: "poison".to_owned(),
        });
    }
    halves::prepare(call, &it).await?;
    once(call, &format!("sent/{}", it.id))?;
    let last = number(call.get("turn")?.as_ref()).unwrap_or(-1);
    let turn = i64::try_from(it.turn).expect("few turns");
    assert!(turn > last, "account {}: turn {turn} after {last}", it.from);
    put(call, "turn", turn)?;
    let balance = number(call.get("balance")?.as_ref()).unwrap_or(INITIAL);
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
    let balance = number(call.get("balance")?.as_ref()).unwrap_or(INITIAL);
    put(call, "balance", balance + it.amount)?;
    claim_briefly(call)
}

/// Claims an id for a short time: for the first time exactly if the last such claim is over.
fn claim_briefly(call: &mut Call) -> Result<(), Failure> {
    let now = i64::try_from(call.now().0).expect("a near time");
    let until = number(call.get("brief")?.as_ref()).unwrap_or(0);
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
    let pending = number(call.get(&format!("timer/{name}"))?.as_ref());
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
    if let Some(id) = number(call.get(&format!("timer/{name}"))?.as_ref()) {
        put(call, &format!("retired/{id}"), 1)?;
        call.put(&format!("timer/{name}"), None)?;
    }
    Ok(())
}

fn ring(call: &mut Call) -> Result<(), Failure> {
    let Ring { id } = body(call);
    let due = number(call.get(&format!("due/{id}"))?.as_ref()).expect("a timer that was set");
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

fn once(call: &mut Call, name: &str) -> Result<(), Failure> {
    assert_eq!(call.get(name)?, None, "{name} happened before");
    assert!(call.claim(name, 3_600_000)?, "{name} was claimed before");
    put(call, name, 1).map_err(Into::into)
}

fn bump(call: &mut Call, name: &str) -> Result<(), CallError> {
    let count = number(call.get(name)?.as_ref()).unwrap_or(0);
    put(call, name, count + 1)
}

fn put(call: &mut Call, name: &str, value: i64) -> Result<(), CallError> {
    call.put(name, Some(value.to_string().into()))
}

fn body<T: for<'a> Deserialize<'a>>(call: &Call) -> T {
    serde_json::from_slice(&call.delivery().message.body).expect("a body of ours")
}

fn retry(cause: &str) -> Failure {
    Failure {
        kind: FailureKind::Retry,
        cause: cause.to_owned(),
    }
}
