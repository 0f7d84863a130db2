//! What RocketMQ's users complain of cannot happen here: see `docs/rocketmq.md`, which names the
//! complaint of each test.

use std::sync::Arc;
use std::time::Duration;

use wasmill_engine::{Action, Config, Engine, Incoming, PageRef, Recovery, RunRequest};
use wasmill_model::effects::{Effects, FailureKind};
use wasmill_model::routes::{Routes, TopicPattern};
use wasmill_model::{Millis, When};

use super::{START, engine, failure, message, pending, runs, sub};

const YEAR_MS: u64 = 365 * 24 * 3_600 * 1_000;

/// A message for later, its key told by `nth`.
fn later(nth: usize, deliver: When) -> Incoming {
    Incoming {
        deliver,
        ..message("a", &format!("key-{nth}"), b"")
    }
}

/// How many messages are handled when it ticks for as long as there is something to do at `now`.
fn handled_at(engine: &mut Engine, now: Millis) -> usize {
    let mut handled = 0;
    drive(engine, now, |run| handled += run.messages.len());
    handled
}

/// Ticks for as long as there is something to do at `now`, over a view that has pages and no
/// timers, and shows each run before it goes well.
fn drive(engine: &mut Engine, now: Millis, mut show: impl FnMut(&RunRequest)) {
    let mut pages: Vec<(PageRef, Vec<u8>)> = Vec::new();
    loop {
        engine.tick(now);
        let actions = engine.take_actions();
        if actions.is_empty() {
            assert!(engine.wake() > now, "it has something to do, and does not");
            return;
        }
        for action in actions {
            match action {
                Action::Run(run) => {
                    show(&run);
                    let outcomes = run
                        .messages
                        .iter()
                        .map(|_| Ok::<_, wasmill_model::Failure>(Effects::default()));
                    engine.complete(&run.ticket, outcomes.collect::<Vec<_>>(), now);
                }
                Action::WritePage(page, bytes) => pages.push((page, bytes)),
                Action::LoadPage(page) => {
                    let found = pages.iter().find(|(written, _)| *written == page);
                    let (_, bytes) = found.expect("it was written");
                    engine.page_loaded(&page, bytes).expect("our own");
                }
                Action::LoadTimers { partition, .. } => {
                    engine.timers_loaded(partition, Vec::new(), true);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// The engine that a restart at `now` makes of the log.
fn restarted(mut engine: Engine, now: Millis) -> Engine {
    let (_, blocks) = engine.seal();
    let mut recovery = Recovery::new(Config::default(), engine.routes(), None).expect("empty");
    for block in blocks {
        recovery.replay(&block).expect("our own");
    }
    let mut engine = recovery.finish(now);
    engine.set_serving(&"plugin".into(), true);
    engine
}

#[test]
fn long_delays_neither_overflow_nor_become_immediate() {
    let mut engine = engine(vec![sub("s", "a")]);
    let endless = [
        When::After(u64::MAX),
        When::After(u64::MAX - START.0),
        When::After(i64::MAX.unsigned_abs()),
        When::At(Millis::MAX),
    ];
    let thirty_days = When::After(30 * 24 * 3_600 * 1_000);
    for (nth, deliver) in endless.into_iter().chain([thirty_days]).enumerate() {
        engine.accept(later(nth, deliver), START).expect("accepted");
    }
    assert_eq!(handled_at(&mut engine, START), 0, "at once");
    let due = START + Duration::from_secs(30 * 24 * 3_600);
    assert_eq!(handled_at(&mut engine, Millis(due.0 - 1)), 0, "early");
    assert_eq!(handled_at(&mut engine, due), 1, "30 days are 30 days");
    let age = Millis(START.0 + 1_000 * YEAR_MS);
    assert_eq!(handled_at(&mut engine, age), 0, "in a thousand years");
}

#[test]
fn thousands_of_messages_of_one_moment_are_delivered_at_that_moment() {
    const COUNT: usize = 20_000;
    let mut engine = engine(vec![sub("s", "a")]);
    let due = START + Duration::from_secs(10);
    for nth in 0..COUNT {
        let accepted = engine.accept(later(nth, When::At(due)), START);
        accepted.expect("accepted");
    }
    assert_eq!(handled_at(&mut engine, Millis(due.0 - 1)), 0);
    assert_eq!(handled_at(&mut engine, due), COUNT);
}

#[test]
fn what_fell_due_in_a_year_without_a_host_is_delivered_at_its_next_start() {
    let mut engine = engine(vec![sub("s", "a")]);
    for (nth, days) in [1, 8, 300].into_iter().enumerate() {
        let delay = Duration::from_secs(days * 24 * 3_600).as_millis() as u64;
        let accepted = engine.accept(later(nth, When::After(delay)), START);
        accepted.expect("accepted");
    }
    let next_start = Millis(START.0 + YEAR_MS);
    let mut engine = restarted(engine, next_start);
    assert_eq!(handled_at(&mut engine, next_start), 3);
}

#[test]
fn a_message_is_not_delivered_again_while_its_handler_still_runs() {
    let mut engine = engine(vec![sub("s", "a")]);
    engine
        .accept(message("a", "k", b""), START)
        .expect("accepted");
    let run = runs(&mut engine).pop().expect("a run");
    // RocketMQ sends it to the retry topic after 15 minutes, whatever the handler does.
    let much_later = START + Duration::from_secs(3_600);
    assert_eq!(handled_at(&mut engine, much_later), 0);
    engine.complete(&run.ticket, vec![Ok(Effects::default())], much_later);
    assert_eq!(pending(&engine), 0);
    let next_day = much_later + Duration::from_secs(24 * 3_600);
    assert_eq!(handled_at(&mut engine, next_day), 0);
}

#[test]
fn a_start_goes_on_where_it_was_and_never_from_the_beginning() {
    let mut engine = engine(vec![sub("s", "a")]);
    for nth in 0..1_000 {
        let accepted = engine.accept(later(nth, When::Now), START);
        accepted.expect("accepted");
    }
    assert_eq!(handled_at(&mut engine, START), 1_000);
    engine.accept(later(0, When::Now), START).expect("accepted");
    let mut engine = restarted(engine, START);
    assert_eq!(handled_at(&mut engine, START), 1);
}

#[test]
fn a_new_subscription_gets_the_first_message_after_it() {
    let mut engine = engine(vec![sub("s", "a")]);
    let topics = vec![TopicPattern::new("*")];
    let both = Routes::new(topics, vec![sub("s", "a"), sub("new", "never-seen")]);
    engine.set_routes(&Arc::new(both), START).expect("fits");
    // Neither the topic nor the subscription has had a message before.
    let first = message("never-seen", "k", b"first");
    engine.accept(first, START).expect("accepted");
    let run = runs(&mut engine).pop().expect("the first message");
    assert_eq!(run.subscription, "new");
    assert_eq!(run.messages[0].message.body, "first");
}

#[test]
fn what_a_handler_sends_reaches_a_subscription_that_came_while_it_ran() {
    let mut engine = engine(vec![sub("s", "a")]);
    engine
        .accept(message("a", "k", b""), START)
        .expect("accepted");
    let run = runs(&mut engine).pop().expect("a run");
    let cause = &run.messages[0].message;
    let sent = wasmill_model::Message {
        id: cause.id.sent("s", 0),
        topic: "b".into(),
        ..wasmill_model::Message::clone(cause)
    };
    let effects = Effects {
        sends: vec![engine.routes().fan_out(Arc::new(sent))],
        ..Effects::default()
    };
    let topics = ["a", "b"].map(TopicPattern::new).to_vec();
    let both = Routes::new(topics, vec![sub("s", "a"), sub("new", "b")]);
    engine.set_routes(&Arc::new(both), START).expect("fits");
    engine.complete(
        &run.ticket,
        vec![Ok::<_, wasmill_model::Failure>(effects)],
        START,
    );
    let run = runs(&mut engine).pop().expect("what was sent");
    assert_eq!(run.subscription, "new");
}

#[test]
fn a_key_that_fails_for_a_day_blocks_no_other_and_goes_on_by_itself() {
    let mut engine = engine(vec![sub("s", "a")]);
    let bad = |body| message("a", "bad", body);
    engine.accept(bad(b"first"), START).expect("accepted");
    engine.accept(bad(b"second"), START).expect("accepted");
    let day = Duration::from_secs(24 * 3_600);
    let run = runs(&mut engine).pop().expect("a run");
    let kind = FailureKind::RetryAfter(day);
    engine.complete(&run.ticket, vec![failure(kind)], START);
    for nth in 0..1_000 {
        let accepted = engine.accept(later(nth, When::Now), START);
        accepted.expect("accepted");
    }
    // No new message has to come, and nobody has to start anything again.
    assert_eq!(handled_at(&mut engine, START), 1_000);
    assert_eq!(handled_at(&mut engine, START + day), 2);
}

#[test]
fn a_backlog_is_worked_off_without_new_messages_and_in_its_order() {
    const COUNT: usize = 5_000;
    let mut engine = engine(vec![sub("s", "a")]);
    engine.set_serving(&"plugin".into(), false);
    let accepted = (0..COUNT).map(|_| {
        let accepted = engine.accept(message("a", "k", b""), START);
        accepted.expect("accepted").message
    });
    let accepted: Vec<_> = accepted.collect();
    engine.set_serving(&"plugin".into(), true);
    let mut handled = Vec::new();
    drive(&mut engine, START, |run| {
        handled.extend(run.messages.iter().map(|it| it.message.id));
    });
    assert!(handled == accepted, "lost, doubled or out of order");
    assert_eq!(pending(&engine), 0);
}

#[test]
fn an_idle_host_is_idle() {
    let mut engine = engine(vec![sub("s", "a")]);
    engine
        .accept(later(0, When::After(YEAR_MS)), START)
        .expect("accepted");
    engine.accept(later(1, When::Now), START).expect("accepted");
    let mut now = START;
    assert_eq!(handled_at(&mut engine, now), 1);
    let mut wakes = 0;
    while now < START + Duration::from_secs(3_600) {
        now = engine.wake();
        assert_eq!(handled_at(&mut engine, now), 0);
        wakes += 1;
    }
    // Once a minute, and at first once for each of the 64 partitions.
    assert!(
        wakes <= 60 + 64,
        "woken {wakes} times in an hour of nothing"
    );
}
