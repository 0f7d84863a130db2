//! What becomes of delayed messages and timers that somebody outside takes back.

use std::sync::Arc;

use wasmill_engine::{DelayedId, Recalled};
use wasmill_model::effects::{Delayed, Scope};
use wasmill_model::{Message, MessageId, reserved};

use super::*;

const DELAY_MS: u64 = 1_000;
const DUE: Millis = Millis(START.0 + DELAY_MS);

fn delayed_message(engine: &mut Engine) -> DelayedId {
    let incoming = Incoming {
        deliver: When::After(DELAY_MS),
        ..message("a", "k", b"later")
    };
    let accepted = engine.accept(incoming, START).expect("taken in");
    accepted.delayed.expect("it waits for its time")
}

/// Delivers what is due. The first tick fetches what comes soon.
fn ring(engine: &mut Engine) {
    engine.tick(DUE);
    engine.tick(DUE);
}

#[test]
fn a_message_is_recalled_or_delivered_and_never_both() {
    let mut engine = engine(vec![sub("s", "a")]);
    let (recalled, delivered) = (delayed_message(&mut engine), delayed_message(&mut engine));
    assert_eq!(engine.recall(recalled, None, START), Recalled::Done);
    assert_eq!(engine.recall(recalled, None, START), Recalled::Gone);
    ring(&mut engine);
    let run = runs(&mut engine).pop().expect("the other one's run");
    assert_eq!(run.messages.len(), 1);
    assert_eq!(run.messages[0].message.id, delivered.timer.id);
    assert_eq!(engine.recall(delivered, None, DUE), Recalled::Gone);
}

#[test]
fn a_recall_holds_over_checkpoints_and_a_recovery() {
    let mut engine = engine(vec![sub("s", "a")]);
    let id = delayed_message(&mut engine);
    let (_, mut blocks) = engine.seal();
    let all = Config::default().partitions;
    let written = engine.begin_checkpoint(all);
    let place = wasmill_engine::layout::timer(id.partition, id.timer);
    let stored = written.blind.iter().find(|write| write.key == place);
    let stored = stored.and_then(|write| write.value.clone());
    let stored: Delayed = wasmill_engine::codec::decode(&stored.expect("a timer")).unwrap();
    engine.end_checkpoint();
    // What the view does not have either is gone; what it has, is there.
    let unknown = DelayedId {
        timer: wasmill_model::effects::TimerRef {
            id: MessageId(1),
            ..id.timer
        },
        ..id
    };
    assert_eq!(engine.recall(unknown, None, START), Recalled::Gone);
    assert_eq!(
        engine.recall(id, Some(stored.clone()), START),
        Recalled::Done
    );
    // The view has it until the next checkpoint, and that is known.
    assert_eq!(engine.recall(id, Some(stored), START), Recalled::Gone);
    blocks.extend(engine.seal().1);
    let written = engine.begin_checkpoint(all);
    let deleted = written.blind.iter().find(|write| write.key == place);
    assert_eq!(deleted.expect("a delete").value, None);

    let routes = engine.routes().clone();
    let mut recovery = Recovery::new(Config::default(), &routes, None).unwrap();
    for block in blocks {
        recovery.replay(&block).unwrap();
    }
    let mut engine = recovery.finish(START);
    engine.set_serving(&"plugin".into(), true);
    ring(&mut engine);
    assert!(runs(&mut engine).is_empty());
    assert_eq!(engine.recall(id, None, DUE), Recalled::Gone);
}

/// A timer `t` of the key `k`, its entry and its value.
fn with_timer(engine: &mut Engine) -> (Name, Bytes, Delayed) {
    engine.accept(message("a", "k", b"set"), START).unwrap();
    let run = runs(engine).pop().expect("a run");
    let cause = &run.messages[0].message;
    let scope = Scope {
        plugin: "plugin".into(),
        key: "k".into(),
    };
    let delayed = Delayed {
        due: DUE,
        message: Arc::new(Message {
            id: cause.id.sent("s", 0),
            timer: Some("t".into()),
            ..(**cause).clone()
        }),
        scope: Some(scope),
    };
    let (entry, value) = (reserved::timer("t"), Bytes::from_static(b"the timer"));
    let effects = Effects {
        delayed: vec![delayed.clone()],
        writes: vec![(entry.clone(), Some(value.clone()))],
        ..Effects::default()
    };
    engine.complete(&run.ticket, vec![Ok(effects)], START);
    (entry, value, delayed)
}

#[test]
fn a_timer_is_cancelled_unless_a_handler_runs_that_may_have_cancelled_it() {
    let mut engine = engine(vec![sub("s", "a")]);
    let (entry, value, timer) = with_timer(&mut engine);
    let cancel = |engine: &mut Engine, value: &Bytes| {
        engine.recall_entry(&entry, value, timer.clone(), START)
    };
    engine.accept(message("a", "k", b"busy"), START).unwrap();
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(cancel(&mut engine, &value), Recalled::Running);
    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
    let other = Bytes::from_static(b"an earlier one");
    assert_eq!(cancel(&mut engine, &other), Recalled::Changed);
    assert_eq!(cancel(&mut engine, &value), Recalled::Done);
    assert_eq!(cancel(&mut engine, &value), Recalled::Gone);
    ring(&mut engine);
    assert!(runs(&mut engine).is_empty(), "it does not ring");
}

#[test]
fn a_timer_that_a_handler_had_is_not_taken_back() {
    let mut engine = engine(vec![sub("s", "a")]);
    let (entry, value, timer) = with_timer(&mut engine);
    ring(&mut engine);
    let run = runs(&mut engine).pop().expect("it rings");
    engine.complete(&run.ticket, vec![failure(FailureKind::Retry)], DUE);
    let cancelled = engine.recall_entry(&entry, &value, timer, DUE);
    assert_eq!(cancelled, Recalled::Handed);
}
