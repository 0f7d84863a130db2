//! What becomes of a dead letter that an operator takes up.

use wasmill_engine::dead_letters::{self, LetterId, RedriveError};
use wasmill_model::record::DeadLetter;

use super::*;

/// A dead letter of subscription `s`, and an engine that has it.
fn buried() -> (Engine, LetterId, DeadLetter) {
    let mut engine = engine(vec![sub("s", "a"), sub("other", "b")]);
    engine.accept(message("a", "k", b"poison"), START).unwrap();
    let run = runs(&mut engine).pop().expect("a run");
    engine.complete(&run.ticket, vec![failure(FailureKind::Reject)], START);
    let partition = engine.partitioner().of("k");
    let found = engine.recent_dead_letters(partition, None, None).pop();
    let (id, letter) = found.expect("a dead letter");
    let letter = letter.expect("not gone");
    (engine, id, letter)
}

fn is_gone(engine: &Engine, id: &LetterId) -> bool {
    let letters = engine.recent_dead_letters(id.partition, Some(&id.subscription), None);
    letters == [(id.clone(), None)]
}

#[test]
fn a_redriven_letter_is_delivered_anew_and_only_once() {
    let (mut engine, id, letter) = buried();
    engine.redrive(id.partition, &letter, None, START).unwrap();
    assert!(is_gone(&engine, &id));
    let again = engine.redrive(id.partition, &letter, None, START);
    assert_eq!(again, Err(RedriveError::Gone));
    assert!(!engine.purge(id.partition, &letter, START));

    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(run.subscription, "s");
    assert_eq!((run.messages.len(), run.messages[0].attempts), (1, 0));
    assert_eq!(run.messages[0].message.body, "poison");
    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
    assert_eq!(pending(&engine), 0);
}

#[test]
fn a_letter_can_go_to_another_subscription_but_not_to_one_that_is_not_there() {
    let (mut engine, id, letter) = buried();
    let unknown = engine.redrive(id.partition, &letter, Some(&"none".into()), START);
    let expected = RedriveError::UnknownSubscription("none".into());
    assert_eq!(unknown, Err(expected));
    assert!(!is_gone(&engine, &id));
    let to = "other".into();
    engine
        .redrive(id.partition, &letter, Some(&to), START)
        .unwrap();
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!((&run.subscription, key_of(&run)), (&to, "k".into()));
}

#[test]
fn what_was_done_with_a_letter_reaches_the_view_and_survives_a_recovery() {
    let (mut engine, id, letter) = buried();
    let (_, mut blocks) = engine.seal();
    let all = Config::default().partitions;
    let written = engine.begin_checkpoint(all);
    engine.end_checkpoint();
    let stored = written.blind.iter().find(|write| write.key == id.place());
    let value = stored.and_then(|it| it.value.clone()).expect("the letter");
    assert_eq!(dead_letters::read(&value), Ok(letter.clone()));
    assert_eq!(engine.recent_dead_letters(id.partition, None, None), []);

    assert!(engine.purge(id.partition, &letter, START));
    blocks.extend(engine.seal().1);
    let written = engine.begin_checkpoint(all);
    let deleted = written.blind.iter().find(|write| write.key == id.place());
    assert_eq!(deleted.expect("a delete").value, None);

    // From the log alone it is the same.
    let routes = engine.routes().clone();
    let mut recovery = Recovery::new(Config::default(), &routes, None).unwrap();
    for block in blocks {
        recovery.replay(&block).unwrap();
    }
    let engine = recovery.finish(START);
    assert!(is_gone(&engine, &id));
    assert_eq!(pending(&engine), 0);
}

#[test]
fn letters_are_told_apart_by_subscription_and_place() {
    let (engine, id, letter) = buried();
    let letters = |subscription: Option<&str>, after| {
        let subscription = subscription.map(Name::from);
        engine.recent_dead_letters(id.partition, subscription.as_ref(), after)
    };
    assert_eq!(letters(Some("s"), None), [(id.clone(), Some(letter))]);
    assert_eq!(letters(Some("other"), None), []);
    assert_eq!(letters(None, Some(&id)), []);
}
