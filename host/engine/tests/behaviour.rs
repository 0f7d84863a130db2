//! The engine's promises, one test each. The simulator of `tests/sim` checks them together.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_engine::{Action, Config, Engine, Incoming, ProducerId, Recovery, Refused, RunRequest};
use wasmill_model::effects::{Delayed, Effects, Failure, FailureKind, Scope};
use wasmill_model::routes::{
    OnExhausted, Order, RetrySchedule, Routes, Subscription, TopicPattern,
};
use wasmill_model::{Message, Millis, Name};

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

#[test]
fn a_failing_message_parks_its_key_in_its_subscription_only() {
    let mut engine = engine(vec![sub("first", "a"), sub("second", "b")]);
    for (topic, key) in [("a", "bad"), ("a", "bad"), ("a", "good"), ("b", "bad")] {
        engine
            .accept(message(topic, key, b""), START)
            .expect("accepted");
    }
    let mut handled = Vec::new();
    let mut open = runs(&mut engine);
    while let Some(run) = open.pop() {
        let (key, subscription) = (key_of(&run), run.subscription.clone());
        if key == "bad" && subscription == "first" {
            engine.complete(&run.ticket, vec![failure(FailureKind::Retry)], START);
        } else {
            engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
            handled.push((subscription, key));
        }
        open.extend(runs(&mut engine));
    }
    handled.sort();
    let name = Name::from;
    assert_eq!(
        handled,
        [(name("first"), name("good")), (name("second"), name("bad"))]
    );
    assert_eq!(
        pending(&engine),
        2,
        "the failed message, and the one behind it"
    );

    engine.tick(Millis(START.0 + 99));
    assert!(runs(&mut engine).is_empty(), "not before its delay is over");
    engine.tick(Millis(START.0 + 100));
    let again = runs(&mut engine);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].messages[0].attempts, 1);
    assert_eq!(again[0].messages.len(), 2, "in their order");
}

#[test]
fn retries_end_in_a_dead_letter_or_a_halt_as_the_subscription_says() {
    for on_exhausted in [OnExhausted::DeadLetter, OnExhausted::Halt] {
        let mut engine = engine(vec![Subscription {
            on_exhausted,
            ..sub("s", "a")
        }]);
        engine
            .accept(message("a", "k", b""), START)
            .expect("accepted");
        for attempt in 0..3 {
            let now = Millis(START.0 + 100 * attempt);
            engine.tick(now);
            let run = runs(&mut engine).pop().expect("an attempt");
            engine.complete(&run.ticket, vec![failure(FailureKind::Retry)], now);
        }
        engine.tick(Millis(u64::MAX - 1));
        assert!(runs(&mut engine).is_empty());
        let (_, waiting, _, buried) = engine.census().next().expect("one subscription");
        match on_exhausted {
            OnExhausted::DeadLetter => assert_eq!((waiting, buried), (0, 1)),
            OnExhausted::Halt => assert_eq!((waiting, buried), (1, 0)),
        }
    }
}

#[test]
fn a_plugin_out_of_service_loses_nothing_and_counts_no_attempt() {
    let mut engine = engine(vec![sub("s", "a")]);
    engine.set_serving(&"plugin".into(), false);
    for key in ["x", "y"] {
        engine
            .accept(message("a", key, b""), START)
            .expect("accepted");
    }
    assert!(runs(&mut engine).is_empty());
    engine.set_serving(&"plugin".into(), true);
    let open = runs(&mut engine);
    assert_eq!(open.len(), 2);
    for run in open {
        engine.complete(&run.ticket, vec![failure(FailureKind::Unavailable)], START);
    }
    engine.tick(Millis(START.0 + 10_000));
    let open = runs(&mut engine);
    assert_eq!(open.len(), 2);
    assert!(open.iter().all(|run| run.messages[0].attempts == 0));
}

#[test]
fn no_more_handlers_run_at_once_than_the_subscription_allows() {
    let limited = Subscription {
        concurrency_max: 2,
        ..sub("s", "a")
    };
    let mut engine = engine(vec![limited]);
    for key in ["k0", "k1", "k2", "k3", "k4"] {
        engine
            .accept(message("a", key, b""), START)
            .expect("accepted");
    }
    let mut open = runs(&mut engine);
    let mut total = 0;
    while let Some(run) = open.pop() {
        assert!(open.len() < 2);
        total += 1;
        engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
        open.extend(runs(&mut engine));
    }
    assert_eq!((total, pending(&engine)), (5, 0));
}

#[test]
fn a_global_order_is_one_lane_and_no_order_is_none() {
    let global = Subscription {
        order: Order::Global,
        ..sub("global", "a")
    };
    let none = Subscription {
        order: Order::None,
        ..sub("none", "b")
    };
    let mut engine = engine(vec![global, none]);
    for key in ["x", "y", "z"] {
        engine
            .accept(message("a", key, b""), START)
            .expect("accepted");
        engine
            .accept(message("b", "same", b""), START)
            .expect("accepted");
    }
    let open = runs(&mut engine);
    let of = |name: &str| open.iter().filter(|run| run.subscription == *name).count();
    assert_eq!((of("global"), of("none")), (1, 3));
}

#[test]
fn what_waits_behind_a_parked_key_is_in_pages_and_other_keys_flow() {
    const BEHIND: usize = 20_000;
    static BODY: [u8; 500] = [7; 500];
    let mut engine = engine(vec![sub("s", "a")]);
    engine
        .accept(message("a", "bad", &BODY), START)
        .expect("accepted");
    let run = runs(&mut engine).pop().expect("a run");
    let later = FailureKind::RetryAfter(Duration::from_secs(3_600));
    engine.complete(&run.ticket, vec![failure(later)], START);

    let (mut pages, mut flowed) = (0, 0);
    for index in 0..BEHIND {
        engine
            .accept(message("a", "bad", &BODY), START)
            .expect("accepted");
        if index % 100 == 0 {
            engine
                .accept(message("a", "good", &BODY), START)
                .expect("accepted");
        }
        for action in engine.take_actions() {
            match action {
                Action::WritePage(_, bytes) => pages += bytes.len(),
                Action::Run(run) => {
                    assert_eq!(key_of(&run), "good");
                    flowed += 1;
                    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(flowed, BEHIND / 100, "the other key is not held up");
    assert!(
        pages > BEHIND * BODY.len() * 9 / 10,
        "only {pages} bytes are in pages"
    );
}

#[test]
fn a_producers_id_is_accepted_once_and_refused_with_another_content() {
    let mut engine = engine(vec![sub("s", "a")]);
    let with_id = |body| Incoming {
        producer_id: Some(ProducerId {
            id: "id".to_owned(),
            window: Duration::from_secs(1),
        }),
        ..message("a", "k", body)
    };
    let first = engine.accept(with_id(b"one"), START).expect("accepted");
    let again = engine
        .accept(with_id(b"one"), START)
        .expect("accepted before");
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(first.message, again.message);
    assert_eq!(
        engine.accept(with_id(b"two"), START),
        Err(Refused::Conflict("id".to_owned()))
    );
    assert_eq!(pending(&engine), 1);
    let later = engine
        .accept(with_id(b"two"), Millis(START.0 + 1_000))
        .expect("forgotten");
    assert!(!later.duplicate);
}

#[test]
fn messages_without_a_subscription_are_accepted_and_unknown_topics_are_not() {
    let mut engine = engine(vec![sub("s", "a")]);
    engine
        .accept(message("b", "k", b""), START)
        .expect("declared");
    assert_eq!(pending(&engine), 0);
    let refused = engine.accept(message("c", "k", b""), START);
    assert_eq!(refused, Err(Refused::UnknownTopic("c".into())));
}

#[test]
fn ids_of_accepted_messages_are_unique_over_keys_and_partitions() {
    let mut engine = engine(vec![sub("s", "a")]);
    let mut ids = HashSet::new();
    for index in 0..1_000 {
        let key = format!("key-{}", index % 100);
        let accepted = engine
            .accept(message("a", &key, b""), START)
            .expect("accepted");
        assert!(ids.insert(accepted.message));
    }
}

#[test]
fn messages_that_only_leave_for_other_partitions_have_ids_of_their_own() {
    let global = Subscription {
        order: Order::Global,
        ..sub("global", "a")
    };
    let mut engine = engine(vec![global]);
    let mut ids = HashSet::new();
    for _ in 0..100 {
        let accepted = engine
            .accept(message("a", "k", b""), START)
            .expect("accepted");
        assert!(ids.insert(accepted.message));
    }
}

#[test]
fn an_unkeyed_message_meets_its_producers_claim() {
    let mut engine = engine(vec![sub("s", "a")]);
    let unkeyed = || Incoming {
        key: None,
        producer_id: Some(ProducerId {
            id: "id".to_owned(),
            window: Duration::from_secs(1),
        }),
        ..message("a", "", b"")
    };
    assert!(!engine.accept(unkeyed(), START).expect("accepted").duplicate);
    assert!(engine.accept(unkeyed(), START).expect("known").duplicate);
    let empty = engine.accept(message("a", "", b""), START);
    assert_eq!(empty, Err(Refused::EmptyKey));
}

#[test]
fn a_timer_of_a_key_that_is_never_idle_is_delivered() {
    let mut engine = engine(vec![sub("s", "a"), sub("alarm", "b")]);
    for _ in 0..3 {
        engine
            .accept(message("a", "busy", b""), START)
            .expect("accepted");
    }
    let run = runs(&mut engine).pop().expect("a run");
    let message = Message {
        key: Some("busy".into()),
        topic: "b".into(),
        timer: Some("t".into()),
        ..(*run.messages[0].message).clone()
    };
    let effects = Effects {
        delayed: vec![Delayed {
            due: START,
            message: Arc::new(message),
            scope: Some(Scope {
                plugin: "plugin".into(),
                key: "busy".into(),
            }),
        }],
        ..Effects::default()
    };
    engine.complete(&run.ticket, vec![Ok(effects)], START);
    let mut alarms = 0;
    let mut open = runs(&mut engine);
    while let Some(run) = open.pop() {
        engine.tick(START);
        alarms += usize::from(run.subscription == "alarm");
        if run.subscription == "s" {
            // One more is always there before the run ends.
            let more = alarms == 0;
            more.then(|| {
                engine
                    .accept(self::message("a", "busy", b""), START)
                    .expect("accepted")
            });
        }
        engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
        open.extend(runs(&mut engine));
    }
    assert_eq!(alarms, 1);
}

#[test]
fn a_lane_that_waits_for_room_still_runs_its_other_subscriptions() {
    let narrow = Subscription {
        concurrency_max: 1,
        ..sub("narrow", "a")
    };
    let mut engine = engine(vec![narrow, sub("wide", "b")]);
    for (topic, key) in [("a", "x"), ("a", "y"), ("b", "y")] {
        engine
            .accept(message(topic, key, b""), START)
            .expect("accepted");
    }
    let open = runs(&mut engine);
    let of = |name: &str| open.iter().filter(|run| run.subscription == *name).count();
    assert_eq!((of("narrow"), of("wide")), (1, 1));
}

#[test]
fn a_subscription_taken_out_of_the_routes_keeps_its_messages_and_holds_nobody_up() {
    let all = vec![sub("gone", "a"), sub("stays", "b")];
    let mut engine = engine(all.clone());
    engine
        .accept(message("a", "k", b""), START)
        .expect("accepted");
    engine
        .accept(message("a", "k", b""), START)
        .expect("accepted");
    let run = runs(&mut engine).pop().expect("a run");
    let routes = |subs| Arc::new(Routes::new(vec![TopicPattern::new("*")], subs));
    engine
        .set_routes(&routes(vec![all[1].clone()]))
        .expect("fits");
    let one = vec![Ok(Effects::default())];
    engine.complete(&run.ticket, one, START);
    assert!(runs(&mut engine).is_empty(), "nobody handles what is left");
    assert_eq!(pending(&engine), 1);

    engine
        .accept(message("b", "k", b""), START)
        .expect("accepted");
    let run = runs(&mut engine).pop().expect("the other subscription's");
    assert_eq!(run.subscription, "stays");
    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);

    let moved = Subscription {
        plugin: "other".into(),
        ..all[0].clone()
    };
    assert!(engine.set_routes(&routes(vec![moved])).is_err());
    engine.set_routes(&routes(all)).expect("as before");
    let run = runs(&mut engine).pop().expect("the message that was kept");
    assert_eq!(run.messages.len(), 1);
}
