//! Runs as guests go through them, with what they see and what they may do.

mod dedup;
mod headers;
mod sdk;
mod timers;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use wasmill_model::effects::{Outcome, Scope};
use wasmill_model::routes::{Routes, Subscription, TopicPattern};
use wasmill_model::{Message, MessageId, Millis, Name};
use wasmill_port::store::Error;
use wasmill_port::{Clock, Delivery, Run, RunContext, StateReader};

/// One key's durable state.
#[derive(Default)]
struct State(Mutex<BTreeMap<Name, Bytes>>);

impl StateReader for State {
    fn get(&self, _: &Scope, name: &str) -> Result<Option<Bytes>, Error> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    fn scan(
        &self,
        _: &Scope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(Name, Bytes)>, Error> {
        let entries = self.0.lock().unwrap();
        let wanted = entries.iter().filter(|(name, _)| {
            name.starts_with(prefix) && after.is_none_or(|after| name.as_str() > after)
        });
        let entries = wanted.map(|(name, value)| (name.clone(), value.clone()));
        Ok(entries.take(limit).collect())
    }
}

impl State {
    /// Commits what came of a run.
    fn commit(&self, outcomes: &[Outcome]) {
        let mut state = self.0.lock().unwrap();
        for effects in outcomes.iter().filter_map(|it| it.result.as_ref().ok()) {
            for (name, value) in &effects.writes {
                match value {
                    Some(value) => state.insert(name.clone(), value.clone()),
                    None => state.remove(name),
                };
            }
        }
    }
}

/// A clock that is set.
#[derive(Default)]
struct Time(AtomicU64);

impl Clock for Time {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }

    fn raise(&self, _: Millis) {}
}

fn context(sub: Subscription, state: &Arc<State>, clock: &Arc<Time>) -> RunContext {
    RunContext {
        routes: Arc::new(Routes::new(vec![TopicPattern::new("a")], vec![sub])),
        reader: state.clone(),
        clock: clock.clone(),
        preparer: None,
    }
}

/// A message of topic `a` for the subscription `s`.
fn delivery(key: Option<&str>) -> Delivery {
    Delivery {
        subscription: "s".into(),
        key: key.map(Name::from),
        message: Arc::new(Message {
            id: MessageId(1),
            topic: "a".into(),
            key: None,
            tag: None,
            headers: Vec::new(),
            body: Bytes::new(),
            produced_at: Millis(0),
            correlation: MessageId(1),
            causation: None,
            timer: None,
        }),
        attempt: 1,
    }
}

fn run(context: RunContext, deliveries: Vec<Delivery>, time_max: Duration) -> Run {
    Run::new(
        context,
        "plugin".into(),
        deliveries,
        Arc::default(),
        time_max,
    )
}
