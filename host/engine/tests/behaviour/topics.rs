//! Topics: their limits, and quotas that hold for those outside.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_engine::{
    Engine, Incoming, OverQuota, ProducerId, QuotaBound, RefusalCause, Refused, Survey, TopicLevels,
};
use wasmill_model::effects::{Effects, FailureKind};
use wasmill_model::limits::{MessageLimits, Part};
use wasmill_model::routes::{Quota, Rate, Routes, Topic, TopicIndex, TopicPattern};
use wasmill_model::{Message, MessageId, Millis};

use super::{START, engine, failure, message, runs, sub};

/// Five messages a second, ten at once.
const FIVE: Rate = Rate {
    per_second: 5,
    burst: 10,
};

fn at(millis: u64) -> Millis {
    START + Duration::from_millis(millis)
}

fn topic(name: &str) -> Topic {
    TopicPattern::new(name).into()
}

fn with_quota(messages: Option<Rate>, bytes: Option<Rate>) -> Topic {
    Topic {
        quota: Quota { messages, bytes },
        ..topic("a")
    }
}

/// An engine with these topics, and the subscription `s` to `a`.
fn over(topics: Vec<Topic>) -> Engine {
    let mut engine = engine(Vec::new());
    put(&mut engine, topics, START);
    engine
}

fn put(engine: &mut Engine, topics: Vec<Topic>, now: Millis) {
    let routes = Arc::new(Routes::new(topics, vec![sub("s", "a")]));
    engine.set_routes(&routes, now).expect("fits");
    engine.set_serving(&"plugin".into(), true);
}

fn accept(engine: &mut Engine, now: Millis) -> Result<(), OverQuota> {
    engine.set_uptime(now.since(START));
    match engine.accept(message("a", "k", b"four"), now) {
        Ok(_) => Ok(()),
        Err(Refused::Quota(over)) => Err(over),
        Err(other) => panic!("{other}"),
    }
}

fn levels(engine: &mut Engine, now: Millis) -> TopicLevels {
    engine.set_uptime(now.since(START));
    engine.topic_levels(TopicIndex(0))
}

/// Messages that are pending in the subscription `s`.
fn pending(engine: &Engine) -> u64 {
    let mut all = engine.census();
    let found = all.find(|(name, ..)| **name == *"s");
    found.map_or(0, |(_, pending, ..)| pending)
}

/// What a handler of `a` sends there, `count` times.
fn flood(engine: &Engine, cause: &Message, count: u128) -> Effects {
    let sent = |nth| {
        let message = Message {
            id: MessageId(nth),
            causation: Some(cause.id),
            ..cause.clone()
        };
        engine.routes().fan_out(Arc::new(message))
    };
    Effects {
        sends: (0..count).map(sent).collect(),
        ..Effects::default()
    }
}

#[test]
fn over_its_rate_a_topic_takes_nothing_in_until_it_is_time_again() {
    let mut engine = over(vec![with_quota(Some(FIVE), None), topic("b")]);
    for _ in 0..10 {
        assert_eq!(accept(&mut engine, START), Ok(()));
    }
    let refusal = OverQuota {
        topic: "a".into(),
        bound: QuotaBound::Messages(5),
        retry_after: Duration::from_millis(200),
    };
    assert_eq!(accept(&mut engine, START), Err(refusal.clone()));
    let text = refusal.to_string();
    assert!(
        text.contains("`a`") && text.contains("messages_per_second"),
        "{text}"
    );
    engine
        .accept(message("b", "k", b""), START)
        .expect("another topic");
    assert_eq!(accept(&mut engine, at(200)), Ok(()));
    assert!(accept(&mut engine, at(399)).is_err());

    let stands = levels(&mut engine, at(399));
    assert_eq!(stands.messages.map(|it| it.used), Some(10));
    assert_eq!((stands.counts.outside, stands.counts.inside), (11, 0));
    assert_eq!(stands.counts.refused[RefusalCause::Messages as usize], 2);
    assert_eq!(pending(&engine), 11);
}

#[test]
fn a_refusal_uses_up_neither_rate() {
    let bytes = Rate {
        per_second: 4,
        burst: 8,
    };
    let mut engine = over(vec![with_quota(Some(FIVE), Some(bytes))]);
    for _ in 0..2 {
        assert_eq!(accept(&mut engine, START), Ok(()));
    }
    for _ in 0..100 {
        let over = accept(&mut engine, START).expect_err("no room for four bytes");
        assert_eq!(over.bound, QuotaBound::Bytes(4));
        assert_eq!(over.retry_after, Duration::from_secs(1));
    }
    let stands = levels(&mut engine, START);
    assert_eq!(stands.messages.map(|it| it.used), Some(2));
    assert_eq!(stands.bytes.map(|it| it.used), Some(8));
}

#[test]
fn what_was_accepted_before_is_answered_whatever_the_quota_says() {
    let one = Rate {
        per_second: 1,
        burst: 1,
    };
    let mut engine = over(vec![with_quota(Some(one), None)]);
    let with_id = |id: &str| Incoming {
        producer_id: Some(ProducerId {
            id: id.to_owned(),
            window: Duration::from_secs(60),
            claimed: None,
        }),
        ..message("a", "k", b"")
    };
    let first = engine.accept(with_id("one"), START).expect("room");
    for _ in 0..3 {
        let again = engine.accept(with_id("one"), START).expect("known");
        assert!(again.duplicate && again.message == first.message);
    }
    let other = engine.accept(with_id("two"), START);
    assert!(matches!(other, Err(Refused::Quota(_))), "{other:?}");
    // What was refused has claimed nothing, and what was repeated has used nothing.
    engine.set_uptime(Duration::from_secs(1));
    let later = engine
        .accept(with_id("two"), at(1_000))
        .expect("room again");
    assert!(!later.duplicate);
}

#[test]
fn a_clock_that_stands_still_closes_no_topic() {
    let mut engine = over(vec![with_quota(Some(FIVE), None)]);
    (0..10).for_each(|_| accept(&mut engine, START).expect("room"));
    assert!(accept(&mut engine, START).is_err());
    engine.set_uptime(Duration::from_millis(200));
    engine
        .accept(message("a", "k", b""), START)
        .expect("room, though the time is the same");
}

#[test]
fn other_routes_do_not_fill_a_quota_again() {
    let mut engine = over(vec![with_quota(Some(FIVE), None)]);
    (0..10).for_each(|_| accept(&mut engine, START).expect("room"));
    put(
        &mut engine,
        vec![topic("b"), with_quota(Some(FIVE), None)],
        START,
    );
    assert!(accept(&mut engine, START).is_err());
    let more = Rate { burst: 12, ..FIVE };
    put(&mut engine, vec![with_quota(Some(more), None)], START);
    assert_eq!(accept(&mut engine, START), Ok(()));
    assert_eq!(accept(&mut engine, START), Ok(()));
    assert!(accept(&mut engine, START).is_err());
    assert_eq!(levels(&mut engine, START).counts.outside, 12);
}

#[test]
fn a_handler_is_never_refused_for_a_quota_and_uses_it_all_the_same() {
    let mut engine = over(vec![with_quota(Some(FIVE), None)]);
    accept(&mut engine, START).expect("room");
    let run = runs(&mut engine).pop().expect("a run");
    let effects = flood(&engine, &run.messages[0].message, 1_000);
    engine.complete(&run.ticket, vec![Ok(effects)], START);
    let stands = levels(&mut engine, START);
    assert_eq!(pending(&engine), 1_000);
    assert_eq!((stands.counts.outside, stands.counts.inside), (1, 1_000));
    // No more than a burst ahead, so that those outside are not shut out for long.
    let over = accept(&mut engine, START).expect_err("used up");
    assert_eq!(over.retry_after, Duration::from_millis(2_200));
    assert_eq!(accept(&mut engine, at(2_200)), Ok(()));
}

#[test]
fn while_as_many_messages_are_pending_as_may_none_comes_in_from_outside() {
    let bounded = Topic {
        pending_max: Some(3),
        ..topic("a")
    };
    let mut engine = over(vec![bounded]);
    (0..3).for_each(|_| accept(&mut engine, START).expect("room"));
    let over = accept(&mut engine, START).expect_err("three are pending");
    let pending = QuotaBound::Pending {
        count_max: 3,
        subscription: "s".into(),
    };
    assert_eq!((over.bound, over.topic), (pending, "a".into()));
    let run = runs(&mut engine).pop().expect("a run");
    let effects = flood(&engine, &run.messages[0].message, 1);
    engine.complete(&run.ticket, vec![Ok(effects)], START);
    assert!(
        accept(&mut engine, START).is_err(),
        "what it sent waits in its place"
    );
    let run = runs(&mut engine).pop().expect("the rest");
    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
    assert_eq!(accept(&mut engine, START), Ok(()));
}

#[test]
fn a_topics_limits_are_those_of_its_closest_declaration() {
    let limits = MessageLimits {
        body_bytes_max: 3,
        headers_bytes_max: 4,
        headers_count_max: 1,
    };
    let small = Topic {
        limits,
        ..topic("*")
    };
    let mut engine = over(vec![small, topic("a")]);
    assert_eq!(accept(&mut engine, START), Ok(()));
    let header = |value: &str| (("h").into(), value.into());
    let cases = [
        (Bytes::from_static(b"four"), vec![], Part::Body),
        (Bytes::new(), vec![header("four")], Part::HeaderBytes),
        (
            Bytes::new(),
            vec![header("a"), header("b")],
            Part::HeaderCount,
        ),
    ];
    for (body, headers, part) in cases {
        let incoming = Incoming {
            body,
            headers,
            ..message("other", "k", b"")
        };
        let Err(Refused::Limit(over)) = engine.accept(incoming, START) else {
            panic!("{part:?}");
        };
        assert_eq!(over.exceeded.part, Some(part), "{over}");
        let policy = part.policy().expect("one of a topic's");
        let said = format!("of topic `*` (`{policy}`)");
        assert!(over.to_string().ends_with(&said), "{over}");
    }
    let counts = levels(&mut engine, START).counts;
    assert_eq!(counts.refused[RefusalCause::Limit as usize], 3);
}

#[test]
fn a_survey_finds_the_oldest_message_that_waits_parked_ones_too() {
    let mut engine = over(vec![topic("a")]);
    for second in 0..50 {
        let key = format!("key-{second}");
        let now = at(second * 1_000);
        engine
            .accept(message("a", &key, b""), now)
            .expect("accepted");
    }
    let oldest = |engine: &Engine, lanes_max| {
        let (mut survey, mut steps) = (Survey::default(), 1);
        while !engine.survey(&mut survey, lanes_max) {
            steps += 1;
        }
        let place = engine.census().position(|(name, ..)| *name == "s");
        (survey.oldest(place.expect("it")), steps)
    };
    assert_eq!(oldest(&engine, usize::MAX), (Some(START), 1));
    assert_eq!(oldest(&engine, 1), (Some(START), 64));
    for (nth, run) in runs(&mut engine).iter().enumerate() {
        let result = match nth {
            0 => failure(FailureKind::Retry),
            _ => Ok(Effects::default()),
        };
        engine.complete(&run.ticket, vec![result], at(50_000));
    }
    assert_eq!(
        oldest(&engine, 1).0,
        Some(START),
        "the one that failed waits still"
    );
    engine.tick(at(60_000));
    let run = runs(&mut engine).pop().expect("its retry");
    engine.complete(&run.ticket, vec![Ok(Effects::default())], at(60_000));
    assert_eq!(oldest(&engine, 1).0, None);
}
