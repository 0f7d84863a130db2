//! The engine's promises, one test each. The simulator of `tests/sim` checks them together.

mod checkpoints;
mod claims;
mod dead_letters;
mod delivery;
mod halves;
mod intake;
mod moves;
mod pending;
mod recall;
mod rocketmq;
mod schedules;
mod stories;
mod topics;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_engine::{Action, Config, Engine, Incoming, Recovery, RunRequest};
use wasmill_model::effects::{Effects, Failure, FailureKind};
use wasmill_model::routes::{RetrySchedule, Routes, Subscription, TopicPattern};
use wasmill_model::{Millis, Name, When};

const START: Millis = Millis(1_000);

fn engine(subscriptions: Vec<Subscription>) -> Engine {
    let topics = ["a", "b"].map(TopicPattern::new).to_vec();
    let routes = Arc::new(Routes::new(topics, subscriptions));
    let recovery = Recovery::new(Config::default(), &routes, None).expect("nothing to recover");
    let mut engine = recovery.finish(START);
    engine.set_serving(&"plugin".into(), true);
    engine
}

fn sub(name: &str, topic: &str) -> Subscription {
    let retry = RetrySchedule::new(vec![Duration::from_millis(100); 2]);
    Subscription {
        retry,
        ..Subscription::new(name, topic, "plugin")
    }
}

fn message(topic: &str, key: &str, body: &'static [u8]) -> Incoming {
    Incoming {
        topic: topic.into(),
        key: Some(key.into()),
        tag: None,
        headers: Vec::new(),
        body: Bytes::from_static(body),
        producer_id: None,
        deliver: When::Now,
        half: None,
        watch: false,
    }
}

fn runs(engine: &mut Engine) -> Vec<RunRequest> {
    let actions = engine.take_actions().into_iter();
    actions
        .filter_map(|it| {
            if let Action::Run(run) = it {
                Some(run)
            } else {
                None
            }
        })
        .collect()
}

fn key_of(run: &RunRequest) -> Name {
    run.messages[0].key.clone().expect("a keyed message")
}

fn failure(kind: FailureKind) -> Result<Effects, Failure> {
    Err(Failure {
        kind,
        cause: "on purpose".to_owned(),
    })
}

fn pending(engine: &Engine) -> u64 {
    engine.census().map(|(_, pending, ..)| pending).sum()
}
