//! What becomes of a dead letter that an operator takes up.

use wasmill_engine::Refused;
use wasmill_engine::codec::records;
use wasmill_engine::dead_letters::{self, LetterId, Redrive, RedriveError};
use wasmill_model::dead_event::TOPIC;
use wasmill_model::record::DeadLetter;
use wasmill_model::routes::KeySource;
use wasmill_model::{Op, PartitionId, Record};

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
    engine
        .redrive(id.partition, &letter, &Redrive::default(), START)
        .unwrap();
    assert!(is_gone(&engine, &id));
    let again = engine.redrive(id.partition, &letter, &Redrive::default(), START);
    assert_eq!(again, Err(RedriveError::Gone));
    assert!(!engine.purge(id.partition, &letter, START));

    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(run.subscription, "s");
    assert_eq!((run.messages.len(), run.messages[0].attempts), (1, 0));
    assert_eq!(run.messages[0].message.body, "poison");
    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
    assert_eq!(pending(&engine), 0);
}

/// What a run's messages are for.
fn chosen(run: &RunRequest) -> Vec<Option<&str>> {
    let messages = run.messages.iter();
    messages
        .map(|it| it.message.chosen_version().map(Name::as_str))
        .collect()
}

/// A letter of `s` and what came after it under its key, redriven in this way.
fn redriven_behind(redrive: &Redrive) -> Engine {
    let (mut engine, id, letter) = buried();
    for body in [b"before", b"beside"] {
        engine.accept(message("a", "k", body), START).unwrap();
    }
    engine
        .redrive(id.partition, &letter, redrive, START)
        .unwrap();
    engine.accept(message("a", "k", b"behind"), START).unwrap();
    engine
}

#[test]
fn a_letter_redriven_through_a_version_keeps_its_place_and_runs_apart_from_its_neighbours() {
    let version = Some(Name::from("v1"));
    let mut engine = redriven_behind(&Redrive { to: None, version });
    let mut handled = Vec::new();
    while let Some(run) = runs(&mut engine).pop() {
        let chosen = chosen(&run);
        assert!(chosen.iter().all(|it| *it == chosen[0]), "{chosen:?}");
        let bodies = run.messages.iter().map(|it| it.message.body.clone());
        handled.extend(bodies.zip(chosen.iter().map(Option::is_some)));
        let done = vec![Ok(Effects::default()); run.messages.len()];
        engine.complete(&run.ticket, done, START);
    }
    let expected = [
        ("before", false),
        ("beside", false),
        ("poison", true),
        ("behind", false),
    ];
    assert_eq!(
        handled,
        expected.map(|(body, chosen)| (body.into(), chosen))
    );
    assert_eq!(pending(&engine), 0);
}

#[test]
fn the_chosen_version_outlives_retries_recovery_and_another_burial_until_it_is_redriven_without_one()
 {
    let (mut engine, id, letter) = buried();
    let (_, mut blocks) = engine.seal();
    let version = Some(Name::from("v1"));
    let redrive = Redrive { to: None, version };
    engine
        .redrive(id.partition, &letter, &redrive, START)
        .unwrap();
    let run = runs(&mut engine).pop().expect("a run");
    engine.complete(&run.ticket, vec![failure(FailureKind::Retry)], START);
    blocks.extend(engine.seal().1);

    let routes = engine.routes().clone();
    let mut recovery = Recovery::new(Config::default(), &routes, None).unwrap();
    for block in blocks {
        recovery.replay(&block).unwrap();
    }
    let mut engine = recovery.finish(START);
    engine.set_serving(&"plugin".into(), true);
    let later = Millis(START.0 + 1_000);
    engine.tick(later);
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(chosen(&run), [Some("v1")]);
    engine.complete(&run.ticket, vec![failure(FailureKind::Reject)], later);
    let found = engine.recent_dead_letters(id.partition, None, None);
    let mut found = found.into_iter().filter_map(|(_, letter)| letter);
    let letter = found.next().expect("a dead letter");
    assert_eq!(letter.message.chosen_version(), Some(&"v1".into()));

    engine
        .redrive(id.partition, &letter, &Redrive::default(), later)
        .unwrap();
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(chosen(&run), [None]);
}

#[test]
fn nobody_outside_can_choose_a_version() {
    let mut engine = engine(vec![sub("s", "a")]);
    let name = Name::from("\0version");
    let forged = Incoming {
        headers: vec![(name.clone(), "v1".into())],
        ..message("a", "k", b"forged")
    };
    let refused = engine.accept(forged, START);
    assert_eq!(refused, Err(Refused::ReservedHeader(name)));
}

#[test]
fn a_letter_can_go_to_another_subscription_but_not_to_one_that_is_not_there() {
    let (mut engine, id, letter) = buried();
    let unknown = engine.redrive(
        id.partition,
        &letter,
        &Redrive::to(Some(&"none".into())),
        START,
    );
    let expected = RedriveError::UnknownSubscription("none".into());
    assert_eq!(unknown, Err(expected));
    assert!(!is_gone(&engine, &id));
    let to = "other".into();
    engine
        .redrive(id.partition, &letter, &Redrive::to(Some(&to)), START)
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

/// What was committed since the last time.
fn written(engine: &mut Engine) -> Vec<Record> {
    let (_, blocks) = engine.seal();
    blocks.iter().flat_map(|it| records(it).unwrap()).collect()
}

/// Whether an event was delivered with this record.
fn is_event(record: &Record) -> bool {
    let is_event = |op: &Op| matches!(op, Op::Deliver { message, .. } if message.topic == *TOPIC);
    record.ops.iter().any(is_event)
}

/// The letters of all partitions: subscription and topic of each.
fn letters(engine: &Engine) -> Vec<(Name, Name)> {
    let all = (0..Config::default().partitions).map(PartitionId);
    let found = all.flat_map(|id| engine.recent_dead_letters(id, None, None));
    let named = found.filter_map(|(_, letter)| {
        let letter = letter?;
        Some((letter.subscription, letter.message.topic.clone()))
    });
    named.collect()
}

#[test]
fn a_dead_letter_makes_one_event_in_its_record_and_the_events_letter_none() {
    let mut engine = engine(vec![sub("s", "a"), sub("watch", TOPIC), sub("all", "*")]);
    engine.accept(message("a", "k", b"poison"), START).unwrap();
    // A prefix means no topic of the host's own: `all` gets the message, and no event.
    let first = runs(&mut engine).pop().expect("a run");
    assert_eq!(first.subscription, "all");
    engine.complete(&first.ticket, vec![Ok(Effects::default())], START);
    let second = runs(&mut engine).pop().expect("the other one's turn");
    assert_eq!(second.subscription, "s");
    engine.complete(&second.ticket, vec![failure(FailureKind::Reject)], START);

    let event = runs(&mut engine).pop().expect("the event");
    assert_eq!(event.subscription, "watch");
    let told = &event.messages[0].message;
    assert_eq!((&told.topic[..], told.key.as_deref()), (TOPIC, Some("k")));
    let body: serde_json::Value = serde_json::from_slice(&told.body).unwrap();
    let partition = engine.partitioner().of("k");
    assert_eq!(body["id"], format!("{partition}.0.s"));
    assert_eq!(
        (&body["subscription"], &body["cause"]),
        (&"s".into(), &"on purpose".into())
    );
    let lost = &second.messages[0].message;
    assert_eq!(
        (&body["attempts"], &body["message"]),
        (&1.into(), &lost.id.to_string().into())
    );
    assert_eq!(told.correlation, lost.correlation);

    // One record has both, so neither is there without the other after a crash.
    let records = written(&mut engine);
    let together: Vec<_> = records.iter().filter(|it| is_event(it)).collect();
    assert_eq!(together.len(), 1);
    let buries = |op: &Op| matches!(op, Op::Bury(letter) if letter.subscription == "s");
    assert!(together[0].ops.iter().any(buries));

    engine.complete(&event.ticket, vec![failure(FailureKind::Reject)], START);
    assert_eq!(runs(&mut engine).len(), 0);
    let expected = [("s", "a"), ("watch", TOPIC)];
    assert_eq!(
        letters(&engine),
        expected.map(|(sub, topic)| (sub.into(), topic.into()))
    );
}

#[test]
fn an_event_without_a_key_where_it_goes_ends_there_and_nobodys_event_is_not_made() {
    let mut lost = sub("lost", TOPIC);
    lost.key = Some(KeySource::Pointer("/nowhere".into()));
    let mut keyed = sub("s", "a");
    keyed.key = Some(KeySource::Header("absent".into()));
    let elsewhere = Subscription {
        tags: vec!["other".into()],
        ..sub("elsewhere", TOPIC)
    };
    let mut unheard = engine(vec![keyed.clone(), elsewhere]);
    unheard.accept(message("a", "k", b""), START).unwrap();
    assert_eq!(letters(&unheard), [("s".into(), "a".into())]);
    assert!(!written(&mut unheard).iter().any(is_event));

    let mut engine = engine(vec![keyed, lost]);
    engine.accept(message("a", "k", b""), START).unwrap();
    let mut found = letters(&engine);
    found.sort();
    assert_eq!(
        found,
        [("lost".into(), TOPIC.into()), ("s".into(), "a".into())]
    );
    assert_eq!(pending(&engine), 0);
}

#[test]
fn a_redriven_timer_stays_the_plugins_own_and_is_pending_no_longer() {
    for (to, told) in [(None, Some("".into())), (Some("other".into()), None)] {
        let (mut engine, id, mut letter) = buried();
        Arc::make_mut(&mut letter.message).timer = Some("due".into());
        let redriven = engine.redrive(id.partition, &letter, &Redrive::to(to.as_ref()), START);
        redriven.expect("a letter");
        let run = runs(&mut engine).pop().expect("a run");
        let message = &run.messages[0].message;
        assert_eq!((&message.timer, message.pending_timer()), (&told, None));
    }
}
