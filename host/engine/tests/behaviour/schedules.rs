//! Schedules: each run once, whatever happens to the host, its clock and its routes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_engine::{Config, Engine, Recovery};
use wasmill_model::effects::Effects;
use wasmill_model::routes::{
    MISSED_COUNT_MAX, Missed, Routes, SCHEDULE_HEADER, SCHEDULED_AT_HEADER, Schedule, Timing,
    TopicPattern, Zone,
};
use wasmill_model::{MessageId, Millis, Name};

use super::{pending, runs, sub};

/// A whole minute.
const NOON: Millis = Millis(1_800_000_000_000);

fn schedule(expression: &str, missed: Missed) -> Schedule {
    Schedule {
        name: "tick".into(),
        timing: Timing::new(expression, Zone::UTC).expect("an expression"),
        topic: "a".into(),
        key: Some("k".into()),
        tag: None,
        headers: vec![("own".into(), "header".into())],
        body: Bytes::from_static(b"body"),
        missed,
    }
}

fn routes(schedules: impl IntoIterator<Item = Schedule>) -> Arc<Routes> {
    let mut routes = Routes::new(vec![TopicPattern::new("a")], vec![sub("s", "a")]);
    let named = schedules
        .into_iter()
        .map(|it| (it.name.clone(), Arc::new(it)));
    routes.schedules = named.collect();
    Arc::new(routes)
}

/// What a crash leaves: the blocks of the log, and what checkpoints put into the view.
#[derive(Default)]
struct Disk {
    blocks: Vec<Vec<u8>>,
    view: std::collections::BTreeMap<Vec<u8>, Bytes>,
}

impl Disk {
    fn start(&self, routes: &Arc<Routes>, now: Millis) -> Engine {
        let meta = self.view.get(wasmill_engine::layout::META);
        let meta = meta.map(|value| &value[..]);
        let mut recovery = Recovery::new(Config::default(), routes, meta).expect("a mark");
        for prefix in Recovery::prefixes() {
            let entries = self.view.range(prefix.clone()..);
            for (key, value) in entries.take_while(|(key, _)| key.starts_with(&prefix)) {
                recovery.restore(key, value).expect("an entry");
            }
        }
        let first = usize::try_from(recovery.next_block()).expect("few blocks");
        for block in &self.blocks[first..] {
            recovery.replay(block).expect("a block");
        }
        let mut engine = recovery.finish(now);
        engine.set_serving(&"plugin".into(), true);
        engine
    }

    /// Makes durable what the engine committed; with a checkpoint, or only in the log.
    fn keep(&mut self, engine: &mut Engine, checkpoint: bool) {
        self.blocks.extend(engine.seal().1);
        if checkpoint {
            let checkpoint = engine.begin_checkpoint(u16::MAX);
            for write in checkpoint.blind.into_iter().chain(checkpoint.atomic) {
                match write.value {
                    Some(value) => drop(self.view.insert(write.key, value)),
                    None => drop(self.view.remove(&write.key)),
                }
            }
            engine.end_checkpoint();
        }
    }
}

/// Handles all that is delivered up to `now`, and tells for which times it was.
fn ran(engine: &mut Engine, now: Millis) -> Vec<(MessageId, u64)> {
    let mut ran = Vec::new();
    while engine.wake() <= now {
        engine.tick(now);
        let mut open = runs(engine);
        while let Some(run) = open.pop() {
            for pending in &run.messages {
                let at = pending.message.header(SCHEDULED_AT_HEADER).expect("a time");
                ran.push((pending.message.id, at.parse().expect("a number")));
            }
            let outcomes = run
                .messages
                .iter()
                .map(|_| Ok::<_, wasmill_model::Failure>(Effects::default()));
            engine.complete(&run.ticket, outcomes.collect::<Vec<_>>(), now);
            open.extend(runs(engine));
        }
    }
    ran
}

/// The seconds after noon for which it ran.
fn seconds(ran: &[(MessageId, u64)]) -> Vec<u64> {
    ran.iter().map(|(_, at)| (at - NOON.0) / 1_000).collect()
}

fn after(seconds: u64) -> Millis {
    NOON + Duration::from_secs(seconds)
}

#[test]
fn a_run_is_a_message_of_its_schedule_and_time_and_not_early() {
    let routes = routes([schedule("*/5 * * * * *", Missed::Once)]);
    let mut engine = Disk::default().start(&routes, NOON);
    engine.tick(Millis(NOON.0 + 4_999));
    assert!(runs(&mut engine).is_empty());
    engine.tick(after(5));
    let run = runs(&mut engine).pop().expect("a run");
    let message = &run.messages[0].message;
    assert_eq!(message.id, MessageId::scheduled("tick", after(5)));
    assert_eq!(message.header(SCHEDULE_HEADER), Some("tick"));
    assert_eq!(message.header("own"), Some("header"));
    assert_eq!(
        (&message.body[..], message.produced_at),
        (&b"body"[..], after(5))
    );
    let (_, stands) = engine.schedules().next().expect("one");
    assert_eq!(
        (stands.last, stands.next),
        (Some(after(5)), Some(after(10)))
    );
}

#[test]
fn no_run_is_skipped_or_doubled_by_crashes_wherever_they_come() {
    let routes = routes([schedule("* * * * * *", Missed::All)]);
    let mut disk = Disk::default();
    let mut engine = disk.start(&routes, NOON);
    disk.keep(&mut engine, false);
    let mut all = Vec::new();
    // What a crash takes back is what was not sealed: seen again, with the same ids.
    for second in 1..=60 {
        let mut ran = ran(&mut engine, after(second));
        if second % 3 == 0 {
            disk.keep(&mut engine, second % 2 == 0);
            all.append(&mut ran);
        }
        if second % 3 == 1 || second % 5 == 0 {
            engine = disk.start(&routes, after(second));
        } else if second % 3 != 0 {
            disk.keep(&mut engine, false);
            all.append(&mut ran);
        }
    }
    all.extend(ran(&mut engine, after(60)));
    let mut distinct = all.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(
        distinct.len(),
        all.len(),
        "what is durable is not sent again"
    );
    assert_eq!(seconds(&all), (1..=60).collect::<Vec<_>>());
}

#[test]
fn a_clock_that_goes_back_neither_repeats_a_run_nor_brings_one_early() {
    let routes = routes([schedule("* * * * * *", Missed::All)]);
    let mut engine = Disk::default().start(&routes, NOON);
    assert_eq!(seconds(&ran(&mut engine, after(2))), [1, 2]);
    // An hour back, and again up to where it was.
    engine.tick(Millis(NOON.0 - 3_600_000));
    assert!(runs(&mut engine).is_empty());
    assert_eq!(seconds(&ran(&mut engine, after(3))), [3]);
}

#[test]
fn missed_runs_go_by_the_policy_whether_the_host_was_down_or_its_clock_jumped() {
    let hour = 3_600;
    let cases = [
        (Missed::Skip, vec![]),
        (Missed::Once, vec![3 * hour]),
        (Missed::All, vec![hour, 2 * hour, 3 * hour]),
    ];
    for (policy, expected) in cases {
        let routes = routes([schedule("@hourly", policy)]);
        let now = after(3 * hour + 60);
        let mut jumped = Disk::default().start(&routes, NOON);
        assert_eq!(seconds(&ran(&mut jumped, now)), expected, "{policy:?}");
        assert_eq!(
            jumped.schedules().next().unwrap().1.next,
            Some(after(4 * hour))
        );

        let mut disk = Disk::default();
        disk.keep(&mut disk.start(&routes, NOON), true);
        let mut restarted = disk.start(&routes, now);
        assert_eq!(seconds(&ran(&mut restarted, now)), expected, "{policy:?}");
        assert!(ran(&mut restarted, now).is_empty());
    }
}

#[test]
fn a_run_that_is_a_little_late_was_not_missed() {
    let routes = routes([schedule("* * * * * *", Missed::Skip)]);
    let mut engine = Disk::default().start(&routes, NOON);
    assert_eq!(seconds(&ran(&mut engine, after(4))), [1, 2, 3, 4]);
}

#[test]
fn a_run_as_old_as_the_grace_was_not_missed_and_one_older_was() {
    let in_time: Vec<u64> = (20..=30).collect();
    let with_last_missed: Vec<u64> = (19..=30).collect();
    for (policy, expected) in [(Missed::Skip, in_time), (Missed::Once, with_last_missed)] {
        let routes = routes([schedule("* * * * * *", policy)]);
        let mut engine = Disk::default().start(&routes, NOON);
        assert_eq!(
            seconds(&ran(&mut engine, after(30))),
            expected,
            "{policy:?}"
        );
    }
}

#[test]
fn all_missed_runs_are_bounded_to_the_latest_and_caught_up_over_crashes() {
    let routes = routes([schedule("* * * * * *", Missed::All)]);
    let mut disk = Disk::default();
    disk.keep(&mut disk.start(&routes, NOON), false);
    let now = after(1_000_000);
    let mut engine = disk.start(&routes, now);
    engine.tick(now);
    disk.keep(&mut engine, true);
    drop(engine);
    let mut engine = disk.start(&routes, now);
    // A few at a time, and each bounded by what was missed when the host started.
    while engine.wake() <= now {
        engine.tick(now);
    }
    let (_, stands) = engine.schedules().next().expect("one");
    assert_eq!(stands.last, Some(now));
    // Those of the last 10 s, and the one of just now.
    let in_time = 11;
    assert_eq!(pending(&engine), MISSED_COUNT_MAX as u64 + in_time);
}

#[test]
fn a_schedule_that_changes_or_goes_does_so_at_once_and_while_the_host_is_down() {
    let hourly = routes([schedule("@hourly", Missed::All)]);
    let daily = routes([schedule("0 13 * * *", Missed::All)]);
    let none = routes([]);
    let next = |engine: &Engine| engine.schedules().next().map(|(_, stands)| stands.next);
    let mut disk = Disk::default();
    let mut engine = disk.start(&hourly, NOON);
    assert_eq!(next(&engine), Some(Some(after(3_600))));
    engine.set_routes(&daily, after(1)).expect("fits");
    let replaced = next(&engine).flatten().expect("a next run");
    assert!(replaced > NOON && replaced != after(3_600), "{replaced}");
    engine.set_routes(&none, after(2)).expect("fits");
    assert_eq!(engine.schedules().count(), 0);
    // It begins anew from the time of the change, however long nothing happened before.
    engine.set_routes(&hourly, after(7_260)).expect("fits");
    assert_eq!(next(&engine), Some(Some(after(10_800))));
    engine.set_routes(&none, after(7_260)).expect("fits");
    assert!(ran(&mut engine, after(90_000)).is_empty());

    // While it is down: replaced, gone, and begun anew from then on.
    disk.keep(&mut disk.start(&hourly, NOON), true);
    let changed = disk.start(&daily, after(7_200));
    assert!(next(&changed).flatten().expect("a next run") > after(7_200));
    let mut gone = disk.start(&none, after(7_200));
    disk.keep(&mut gone, true);
    let again = disk.start(&hourly, after(7_200));
    assert_eq!(next(&again), Some(Some(after(10_800))));
}

#[test]
fn another_body_or_key_leaves_the_next_run_and_the_missed_ones_as_they_are() {
    let hourly = schedule("@hourly", Missed::All);
    let other = Schedule {
        key: Some(Name::from("other")),
        body: Bytes::from_static(b"other"),
        ..hourly.clone()
    };
    let mut disk = Disk::default();
    disk.keep(&mut disk.start(&routes([hourly]), NOON), true);
    let mut engine = disk.start(&routes([other]), after(7_260));
    engine.tick(after(7_260));
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(run.messages.len(), 2);
    assert_eq!(&run.messages[0].message.body[..], b"other");
}
