//! What counts as a difference, and what does not.

use std::sync::Arc;

use wasmill_model::MessageId;
use wasmill_model::effects::Send;

use super::*;

const SLACK: Duration = Duration::from_millis(20);

fn message(topic: &str, body: &str) -> Message {
    Message {
        id: MessageId(1),
        topic: topic.into(),
        key: Some("k".into()),
        tag: None,
        headers: Vec::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        produced_at: Millis(5),
        correlation: MessageId(1),
        causation: None,
        timer: None,
    }
}

fn send(message: Message) -> Send {
    Send {
        topic: None,
        message: Arc::new(message),
        targets: Vec::new(),
        unroutable: Vec::new(),
    }
}

fn timer(name: &str, due: u64) -> Delayed {
    let message = Message {
        timer: Some(name.into()),
        ..message("t", "")
    };
    Delayed {
        due: Millis(due),
        message: Arc::new(message),
        scope: None,
    }
}

fn writes(entries: &[(&str, Option<&str>)]) -> Vec<(Name, Option<Bytes>)> {
    let value = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let entry = |(name, text): &(&str, Option<&str>)| ((*name).into(), text.map(value));
    entries.iter().map(entry).collect()
}

fn failure(kind: FailureKind, cause: &str) -> Result<Effects, Failure> {
    let cause = cause.to_owned();
    Err(Failure { kind, cause })
}

/// The differences, each as one line.
fn told(a: Effects, b: Effects) -> Vec<String> {
    lines(&Ok(a), &Ok(b))
}

fn lines(a: &Result<Effects, Failure>, b: &Result<Effects, Failure>) -> Vec<String> {
    let all = differences(a, b, SLACK).into_iter();
    all.map(|it| format!("{}: {} / {}", it.what, it.running, it.candidate))
        .collect()
}

#[test]
fn the_same_effects_do_not_differ_whenever_they_came_about() {
    let effects = |at: u64| Effects {
        sends: vec![send(Message {
            produced_at: Millis(at),
            ..message("a", "x")
        })],
        delayed: vec![timer("t", 1_000 + at)],
        writes: writes(&[("s", Some("1"))]),
        ..Effects::default()
    };
    assert_eq!(told(effects(5), effects(15)), Vec::<String>::new());
    let [late] = &told(effects(5), effects(105))[..] else {
        panic!("a timer that is later by more than what passed differs")
    };
    assert_eq!(late, "timer `t`: due: 1005 ms / 1105 ms");
}

#[test]
fn state_is_compared_entry_by_entry() {
    let of = |entries: &[(&str, Option<&str>)]| Effects {
        writes: writes(entries),
        ..Effects::default()
    };
    let running = of(&[("a", Some("1")), ("b", Some("2")), ("c", None)]);
    let candidate = of(&[("c", Some("3")), ("a", Some("1"))]);
    assert_eq!(
        told(running, candidate),
        [
            "state `b`: \"2\" / not written",
            "state `c`: deleted / \"3\""
        ]
    );
}

#[test]
fn claims_are_compared_but_not_until_when_they_are_remembered() {
    let of = |id: &str, until: u64| {
        let value = reserved::claim_until(Millis(until));
        Effects {
            writes: vec![(reserved::claim(id), Some(value))],
            ..Effects::default()
        }
    };
    assert!(told(of("x", 1_000), of("x", 1_007)).is_empty());
    assert_eq!(
        told(of("x", 1_000), of("y", 1_000)),
        [
            "claim `x`: claimed / not claimed",
            "claim `y`: not claimed / claimed"
        ]
    );
}

#[test]
fn messages_are_compared_part_by_part_and_in_order() {
    let of = |messages: &[Message]| Effects {
        sends: messages.iter().cloned().map(send).collect(),
        ..Effects::default()
    };
    let other = Message {
        key: None,
        ..message("b", "x")
    };
    assert_eq!(
        told(
            of(&[message("a", "x"), message("c", "")]),
            of(std::slice::from_ref(&other))
        ),
        [
            "message 1: topic: `a` / `b`",
            "message 1: key: `k` / none",
            "message 2: to `c`: \"\" / none"
        ]
    );
}

#[test]
fn long_values_are_cut_around_where_they_differ() {
    let long = |end: &str| message("a", &("é".repeat(5_000) + end));
    let of = |message: Message| Effects {
        sends: vec![send(message)],
        ..Effects::default()
    };
    let told = told(of(long("left")), of(long("right")));
    assert_eq!(told.len(), 1);
    assert!(told[0].len() < 500, "{told:?}");
    assert!(told[0].contains("left") && told[0].contains("right"));
    assert!(told[0].contains("(10004 bytes)"), "{told:?}");
}

#[test]
fn failures_differ_by_what_they_ask_for_and_not_by_their_words() {
    let retry = |cause| failure(FailureKind::Retry, cause);
    assert!(lines(&retry("a"), &retry("b")).is_empty());
    let reject = failure(FailureKind::Reject, "no\nbacktrace");
    assert_eq!(
        lines(&Ok(Effects::default()), &reject),
        ["outcome: done / reject: \"no\""]
    );
    assert_eq!(lines(&retry("a"), &reject).len(), 1);
}

#[test]
fn what_is_told_is_bounded() {
    let of = |value: &str| Effects {
        sends: (0..1_000).map(|_| send(message("a", value))).collect(),
        ..Effects::default()
    };
    assert_eq!(told(of("x"), of("y")).len(), DIFFERENCES_MAX);
}
