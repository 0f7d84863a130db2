//! Who is handed what, when, and what a failure holds up.

use std::sync::Arc;
use std::time::Duration;

use wasmill_engine::{Action, Resume, RunRequest};
use wasmill_model::effects::{Delayed, Effects, FailureKind, Scope};
use wasmill_model::filter::{Condition, Filter};
use wasmill_model::routes::{OnExhausted, Order, Routes, Subscription, TopicPattern};
use wasmill_model::{Message, Millis, Name};

use super::{START, engine, failure, key_of, message, pending, runs, sub};

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
fn a_halted_key_goes_on_when_an_operator_says_so_and_with_or_without_its_message() {
    let mut engine = engine(vec![Subscription {
        on_exhausted: OnExhausted::Halt,
        ..sub("s", "a")
    }]);
    for key in ["k", "other"] {
        for body in [b"first", b"later"] {
            engine.accept(message("a", key, body), START).unwrap();
        }
    }
    for run in runs(&mut engine) {
        engine.complete(&run.ticket, vec![failure(FailureKind::Reject)], START);
    }
    let halted: Vec<_> = engine.halted(Some(&"s".into())).collect();
    assert_eq!(halted.len(), 2);
    assert!(halted.iter().all(|it| (it.attempts, it.behind) == (1, 1)));
    assert_eq!(engine.halted(Some(&"none".into())).count(), 0);

    let (s, k): (Name, Name) = ("s".into(), "k".into());
    let named = engine.halted_keys(&s, Some(&k));
    assert_eq!(named.len(), 1);
    assert!(engine.resume(&named[0], Resume::Retry, START).is_some());
    assert!(engine.resume(&named[0], Resume::Retry, START).is_none());
    engine.tick(START);
    let run = runs(&mut engine).pop().expect("the first message again");
    assert_eq!((key_of(&run), run.messages[0].attempts), (k, 1));
    engine.complete(&run.ticket, vec![failure(FailureKind::Reject)], START);

    // It is halted again, and that is another name.
    assert!(engine.resume(&named[0], Resume::GiveUp, START).is_none());
    let named = engine.halted_keys(&s, None);
    assert_eq!(named.len(), 2);
    for halted in &named {
        assert!(engine.resume(halted, Resume::GiveUp, START).is_some());
    }
    let next = runs(&mut engine);
    assert_eq!(next.len(), 2);
    assert!(
        next.iter()
            .all(|run| run.messages[0].message.body == "later")
    );
    let (.., buried) = engine.census().next().expect("one subscription");
    assert_eq!((pending(&engine), buried), (2, 2));
    assert_eq!(engine.halted(None).count(), 0);
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

/// Sets a timer that is due at once.
fn alarm(run: &RunRequest, key: &str) -> Effects {
    let message = Message {
        key: Some(key.into()),
        topic: "b".into(),
        timer: Some("t".into()),
        ..(*run.messages[0].message).clone()
    };
    let scope = Scope {
        plugin: "plugin".into(),
        key: key.into(),
    };
    Effects {
        delayed: vec![Delayed {
            due: START,
            message: Arc::new(message),
            scope: Some(scope),
        }],
        ..Effects::default()
    }
}

#[test]
fn a_timer_passes_the_filter_of_its_subscription_and_other_messages_do_not() {
    let strict = Subscription {
        filter: Some(Filter::new("FALSE", Condition::Constant(false))),
        ..sub("alarm", "b")
    };
    let mut engine = engine(vec![sub("s", "a"), strict]);
    for topic in ["b", "a"] {
        engine.accept(message(topic, "k", b""), START).unwrap();
    }
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(run.subscription, "s");
    let effects = alarm(&run, "k");
    engine.complete(&run.ticket, vec![Ok(effects)], START);
    // The first look at the timers takes those that are near, the second one rings them.
    engine.tick(START);
    engine.tick(START);
    let run = runs(&mut engine).pop().expect("the timer");
    assert_eq!(run.subscription, "alarm");
}

#[test]
fn a_timer_that_the_routes_left_without_a_receiver_waits_for_one() {
    let both = vec![sub("s", "a"), sub("alarm", "b")];
    let mut engine = engine(both.clone());
    engine.accept(message("a", "k", b""), START).unwrap();
    let run = runs(&mut engine).pop().expect("a run");
    let effects = alarm(&run, "k");
    let topics = || ["a", "b"].map(TopicPattern::new).to_vec();
    let without = Routes::new(topics(), vec![sub("s", "a")]);
    engine.set_routes(&Arc::new(without), START).expect("fits");
    engine.complete(&run.ticket, vec![Ok(effects)], START);
    engine.tick(START);
    engine.tick(START);
    assert!(runs(&mut engine).is_empty());
    let with = Arc::new(Routes::new(topics(), both));
    engine.set_routes(&with, START).expect("fits");
    engine.tick(START);
    engine.tick(START);
    let run = runs(&mut engine).pop().expect("the timer");
    assert_eq!(run.subscription, "alarm");
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
    let effects = alarm(&run, "busy");
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
                    .accept(super::message("a", "busy", b""), START)
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
fn a_broadcast_has_lanes_and_state_of_its_own_under_the_same_key() {
    let broadcast = Subscription {
        broadcast: true,
        ..sub("told", "a")
    };
    let mut engine = engine(vec![sub("own", "a"), broadcast.clone()]);
    engine.accept(message("a", "k", b""), START).expect("taken");
    let open = runs(&mut engine);
    assert_eq!(open.len(), 2, "neither waits for the other");
    for run in open {
        let writes = vec![(
            "from".into(),
            Some(run.subscription.as_bytes().to_vec().into()),
        )];
        let effects = Effects {
            writes,
            ..Effects::default()
        };
        engine.complete(&run.ticket, vec![Ok(effects)], START);
    }
    for (plugin, from) in [("plugin", "own"), ("plugin@host", "told")] {
        let (plugin, key) = (plugin.into(), "k".into());
        let entries = engine.recent(&Scope { plugin, key });
        assert_eq!(entries["from"].as_deref(), Some(from.as_bytes()));
    }

    // Out of service and back: both are of the one plugin.
    engine.set_serving(&"plugin".into(), false);
    engine.accept(message("a", "k", b""), START).expect("taken");
    assert!(runs(&mut engine).is_empty());
    let routes = |subs| Arc::new(Routes::new(vec![TopicPattern::new("a")], subs));
    let turned = vec![Subscription {
        broadcast: false,
        ..broadcast
    }];
    let refused = engine.set_routes(&routes(turned), START);
    assert!(refused.is_err_and(|cause| cause.contains("`plugin@host` to `plugin`")));
    engine.set_serving(&"plugin".into(), true);
    assert_eq!(runs(&mut engine).len(), 2);
}
