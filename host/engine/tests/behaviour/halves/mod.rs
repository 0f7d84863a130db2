//! Half messages: what was prepared is settled once, whoever decides, and survives a crash.

mod of_handlers;

use std::collections::HashMap;

use wasmill_engine::halves::{self, HalfId, Kept, PrepareError, Settled};
use wasmill_engine::{Accepted, CheckRequest, HalfOf, Verdict};
use wasmill_model::half::{CheckPolicy, Entry, OnUndecided, Owner};
use wasmill_model::{Decision, Half, MessageId, reserved};

use super::*;

const FIRST: Duration = Duration::from_secs(6);
const INTERVAL: Duration = Duration::from_secs(30);

/// A half message of a producer outside.
fn half(key: &str) -> Incoming {
    Incoming {
        half: Some(HalfOf::default()),
        ..message("a", key, b"half")
    }
}

fn prepare(engine: &mut Engine, key: &str) -> HalfId {
    let accepted = engine.accept(half(key), START).expect("room");
    let Accepted {
        message, partition, ..
    } = accepted;
    HalfId { partition, message }
}

fn settle(engine: &mut Engine, id: HalfId, decision: Decision) -> Option<Settled> {
    engine.settle_half(id, &Kept::default(), decision, START)
}

fn questions(engine: &mut Engine) -> Vec<CheckRequest> {
    let actions = engine.take_actions().into_iter();
    actions
        .filter_map(|it| match it {
            Action::Check(request) => Some(request),
            _ => None,
        })
        .collect()
}

/// The one question that is put at `now`.
fn question(engine: &mut Engine, now: Millis) -> CheckRequest {
    engine.tick(now);
    let mut questions = questions(engine);
    assert_eq!(questions.len(), 1, "at {now}");
    questions.remove(0)
}

/// An engine that recovered from these blocks alone.
fn recovered(engine: &Engine, blocks: Vec<Vec<u8>>) -> Engine {
    let routes = engine.routes().clone();
    let mut recovery = Recovery::new(Config::default(), &routes, None).unwrap();
    for block in blocks {
        recovery.replay(&block).unwrap();
    }
    let mut engine = recovery.finish(START);
    engine.set_serving(&"plugin".into(), true);
    engine
}

#[test]
fn a_half_message_is_delivered_when_it_is_committed_and_not_before() {
    let mut engine = engine(vec![sub("s", "a")]);
    let id = prepare(&mut engine, "k");
    assert!(runs(&mut engine).is_empty());
    let first = Settled {
        decision: Decision::Commit,
        before: false,
    };
    assert_eq!(settle(&mut engine, id, Decision::Commit), Some(first));
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(run.messages[0].message.id, id.message);
    assert_eq!(run.messages[0].message.body, "half");
    assert!(runs(&mut engine).is_empty());
}

#[test]
fn the_first_decision_stands_and_a_late_one_is_told_so() {
    let mut engine = engine(vec![sub("s", "a")]);
    let id = prepare(&mut engine, "k");
    settle(&mut engine, id, Decision::RollBack).unwrap();
    for late in [Decision::Commit, Decision::RollBack] {
        let told = settle(&mut engine, id, late).unwrap();
        let expected = Settled {
            decision: Decision::RollBack,
            before: true,
        };
        assert_eq!(told, expected);
    }
    assert!(runs(&mut engine).is_empty());
    let other = HalfId {
        message: MessageId(1),
        ..id
    };
    let unknown = settle(&mut engine, other, Decision::Commit);
    assert_eq!(unknown, None);
}

/// RocketMQ drops the delay of a transactional message: #546, #1540, #9923.
#[test]
fn a_transactional_message_keeps_its_delay_counted_from_the_commit() {
    let mut engine = engine(vec![sub("s", "a")]);
    let delayed = Incoming {
        deliver: When::After(1_000),
        ..half("k")
    };
    let accepted = engine.accept(delayed, START).unwrap();
    let id = HalfId {
        partition: accepted.partition,
        message: accepted.message,
    };
    let commit = START + Duration::from_secs(5);
    let kept = Kept::default();
    engine
        .settle_half(id, &kept, Decision::Commit, commit)
        .unwrap();
    engine.tick(commit + Duration::from_millis(999));
    assert!(runs(&mut engine).is_empty(), "early");
    engine.tick(commit + Duration::from_millis(1_000));
    let run = runs(&mut engine).pop().expect("a run");
    let due = commit + Duration::from_secs(1);
    assert_eq!(run.messages[0].message.produced_at, due);
}

#[test]
fn a_committed_half_message_comes_after_what_its_key_has_already() {
    let mut engine = engine(vec![sub("s", "a")]);
    let id = prepare(&mut engine, "k");
    engine.accept(message("a", "k", b"between"), START).unwrap();
    settle(&mut engine, id, Decision::Commit).unwrap();
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(run.messages[0].message.body, "between");
    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(run.messages[0].message.body, "half");
}

#[test]
fn an_owner_is_asked_at_the_policys_times_and_its_answer_settles() {
    let mut engine = engine(vec![sub("s", "a")]);
    let id = prepare(&mut engine, "k");
    engine.tick(START + (FIRST - Duration::from_millis(1)));
    assert!(questions(&mut engine).is_empty());
    let first = START + FIRST;
    assert_eq!(engine.wake(), first);
    let asked = question(&mut engine, first);
    engine.tick(first);
    assert!(questions(&mut engine).is_empty(), "one is under way");
    engine.checked(&asked, Verdict::Unknown("not yet".to_owned()), first);
    let again = question(&mut engine, first + INTERVAL);
    assert_eq!(
        (again.half.checks, again.half.cause.as_deref()),
        (1, Some("not yet"))
    );
    let verdict = Verdict::Decided(Decision::Commit);
    engine.checked(&again, verdict.clone(), first + INTERVAL);
    assert_eq!(runs(&mut engine).len(), 1);
    // What comes too late changes nothing.
    engine.checked(&again, verdict, first + INTERVAL);
    assert!(runs(&mut engine).is_empty());
    assert!(settle(&mut engine, id, Decision::Commit).unwrap().before);
}

/// What `undecided` makes of a half message whose owner never knows, and how often it was asked.
fn exhausted(undecided: OnUndecided) -> (Engine, HalfId, u32) {
    let topics = ["a", "b"].map(TopicPattern::new).to_vec();
    let mut routes = Routes::new(topics, vec![sub("s", "a")]);
    let policy = CheckPolicy {
        count_max: 3,
        on_exhausted: undecided,
        ..CheckPolicy::default()
    };
    routes.checks = vec![(TopicPattern::new("a"), Arc::new(policy))];
    let recovery = Recovery::new(Config::default(), &Arc::new(routes), None);
    let mut engine = recovery.expect("nothing to recover").finish(START);
    engine.set_serving(&"plugin".into(), true);
    let id = prepare(&mut engine, "k");
    let (mut now, mut asked) = (START, 0);
    for _ in 0..20 {
        now = now + INTERVAL;
        engine.tick(now);
        for request in questions(&mut engine) {
            asked += 1;
            engine.checked(&request, Verdict::Unknown("never".to_owned()), now);
        }
    }
    (engine, id, asked)
}

#[test]
fn what_nobody_decides_ends_as_the_policy_says() {
    let (mut engine, id, asked) = exhausted(OnUndecided::RollBack);
    assert_eq!(asked, 3);
    let settled = settle(&mut engine, id, Decision::Commit).unwrap();
    assert_eq!(settled.decision, Decision::RollBack);

    let (mut engine, id, _) = exhausted(OnUndecided::Commit);
    let settled = settle(&mut engine, id, Decision::RollBack).unwrap();
    assert_eq!(settled.decision, Decision::Commit);
}

#[test]
fn an_abandoned_half_message_stays_visible_and_can_be_settled() {
    let (mut engine, id, asked) = exhausted(OnUndecided::Abandon);
    assert_eq!(asked, 3);
    assert_eq!(
        engine.half_census().0,
        0,
        "it is not held in memory for checks"
    );
    let seen = engine.recent_halves(id.partition);
    let abandoned = seen[0].1.as_ref().expect("visible");
    assert_eq!((abandoned.next_check, abandoned.checks), (None, 3));

    // In the view it is found by what the caller read there.
    engine.seal();
    let written = engine.begin_checkpoint(Config::default().partitions);
    engine.end_checkpoint();
    assert!(engine.recent_halves(id.partition).is_empty());
    let unseen = settle(&mut engine, id, Decision::Commit);
    assert_eq!(unseen, None);
    let stored = written
        .blind
        .iter()
        .find(|it| it.key == id.abandoned_place());
    let value = stored.and_then(|it| it.value.clone()).expect("in the view");
    let kept = Kept {
        abandoned: Some(halves::read(&value).unwrap()),
        decided: None,
    };
    let first = engine
        .settle_half(id, &kept, Decision::Commit, START)
        .unwrap();
    assert!(!first.before);
    assert_eq!(runs(&mut engine).len(), 1);
    // The view still has it; that it is settled is newer.
    let again = engine
        .settle_half(id, &kept, Decision::RollBack, START)
        .unwrap();
    assert_eq!((again.decision, again.before), (Decision::Commit, true));
}

/// RocketMQ's checks stop after a producer restart, or go to the wrong one: #8158, #9791, #475.
#[test]
fn half_messages_and_their_checks_survive_a_restart() {
    let mut engine = engine(vec![sub("s", "a")]);
    let id = prepare(&mut engine, "k");
    let first = question(&mut engine, START + FIRST);
    engine.checked(&first, Verdict::Unknown(String::new()), START + FIRST);
    let asked_again = question(&mut engine, START + FIRST + INTERVAL);
    let (_, blocks) = engine.seal();

    // The host dies while the question is under way: it is put again.
    let mut engine = recovered(&engine, blocks);
    let again = question(&mut engine, START + FIRST + INTERVAL);
    assert_eq!(again.half, asked_again.half);
    settle(&mut engine, id, Decision::Commit).unwrap();
    assert_eq!(runs(&mut engine).len(), 1);
}

#[test]
fn a_checkpoint_holds_what_recovery_needs_of_half_messages() {
    let mut engine = engine(vec![sub("s", "a")]);
    let (open, done) = (prepare(&mut engine, "k"), prepare(&mut engine, "l"));
    settle(&mut engine, done, Decision::RollBack).unwrap();
    engine.seal();
    let all = Config::default().partitions;
    let written = engine.begin_checkpoint(all);
    let written = written.blind.into_iter().chain(written.atomic);
    let view: HashMap<_, _> = written.map(|it| (it.key, it.value)).collect();
    engine.end_checkpoint();
    let mut recovery = {
        let meta = view.get(wasmill_engine::layout::META).cloned().flatten();
        let routes = engine.routes().clone();
        Recovery::new(Config::default(), &routes, meta.as_deref()).unwrap()
    };
    for prefix in Recovery::prefixes() {
        let present = view
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)));
        for (key, value) in present.filter(|(key, _)| key.starts_with(&prefix)) {
            recovery.restore(key, value).unwrap();
        }
    }
    let mut engine = recovery.finish(START);
    assert_eq!(engine.half_census().0, 1);
    assert!(!settle(&mut engine, open, Decision::Commit).unwrap().before);
    let claim = view
        .get(&halves::kept(done))
        .cloned()
        .flatten()
        .expect("remembered");
    let kept = Kept {
        abandoned: None,
        decided: Some(wasmill_engine::claims::read(&claim).unwrap()),
    };
    let late = engine
        .settle_half(done, &kept, Decision::Commit, START)
        .unwrap();
    assert_eq!((late.decision, late.before), (Decision::RollBack, true));
}

/// One owner's slow checks stall those of others in RocketMQ: #8311, #7567.
#[test]
fn an_owner_that_is_slow_stalls_no_other() {
    let mut engine = engine(vec![sub("s", "a")]);
    let slow = |key: &str| Incoming {
        half: Some(HalfOf {
            check_url: Some("http://slow:1/check".into()),
        }),
        ..half(key)
    };
    for nth in 0..200 {
        engine.accept(slow(&format!("k{nth}")), START).unwrap();
    }
    let quick = prepare(&mut engine, "quick");
    engine.tick(START + FIRST);
    let asked = questions(&mut engine);
    assert!(asked.len() < 100, "{} questions to one owner", asked.len());
    assert!(asked.iter().any(|it| it.half.id() == quick.message));
    // As they are answered, the others have their turn.
    let mut seen = asked.len();
    let (mut open, mut now) = (asked, START + FIRST);
    while let Some(request) = open.pop() {
        engine.checked(&request, Verdict::Decided(Decision::RollBack), now);
        now = now + Duration::from_secs(1);
        engine.tick(now);
        let more = questions(&mut engine);
        seen += more.len();
        open.extend(more);
    }
    assert_eq!(seen, 201);
    assert_eq!(engine.half_census(), (0, 0, 201));
}
