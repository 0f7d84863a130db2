//! Half messages of handlers: settled in their commit, by a check-back, or by both.

use wasmill_model::Message;
use wasmill_model::effects::Scope;

use super::*;

/// A handler's half message `name` under key `k`.
fn of_handler(run: &RunRequest, name: &str) -> Half {
    let cause = &run.messages[0].message;
    Half {
        message: Arc::new(Message {
            id: cause.id.prepared(&run.subscription, name),
            topic: "b".into(),
            ..Message::clone(cause)
        }),
        deliver: When::Now,
        owner: Owner::Plugin {
            scope: Scope {
                plugin: "plugin".into(),
                key: "k".into(),
            },
            name: name.into(),
        },
        prepared_at: START,
        checks: 0,
        next_check: None,
        cause: None,
    }
}

/// A handler's run that has prepared a half message, and is under way.
fn preparing() -> (Engine, RunRequest, Half) {
    let mut engine = engine(vec![sub("s", "a"), sub("t", "b")]);
    engine.accept(message("a", "k", b"begin"), START).unwrap();
    let run = runs(&mut engine).pop().expect("a run");
    let half = of_handler(&run, "pay");
    engine
        .prepare(run.ticket.number(), half.clone(), START)
        .unwrap();
    (engine, run, half)
}

fn entry(engine: &Engine, half: &Half) -> Option<Entry> {
    let Owner::Plugin { scope, name } = &half.owner else {
        panic!("a plugin's")
    };
    let recent = engine.recent(scope);
    let value = recent.get(&reserved::half(name)).cloned().flatten()?;
    Some(wasmill_engine::codec::decode(&value).unwrap())
}

/// What a handler does that settles its half message.
fn settling(half: &Half, decision: Decision) -> Result<Effects, Failure> {
    Ok(Effects {
        settled: vec![(Arc::new(half.clone()), decision)],
        writes: vec![(reserved::half("pay"), None)],
        ..Effects::default()
    })
}

#[test]
fn a_handlers_half_message_is_settled_with_its_commit() {
    let (mut engine, run, half) = preparing();
    assert!(matches!(entry(&engine, &half), Some(Entry::Open(_))));
    engine.complete(&run.ticket, vec![settling(&half, Decision::Commit)], START);
    assert_eq!(entry(&engine, &half), None);
    let run = runs(&mut engine).pop().expect("a run");
    assert_eq!(
        (run.subscription, run.messages[0].message.id),
        ("t".into(), half.id())
    );
    assert_eq!(engine.half_census(), (0, 1, 0));
}

#[test]
fn a_half_message_outlives_the_handler_that_prepared_it() {
    let (mut engine, run, half) = preparing();
    engine.complete(&run.ticket, vec![failure(FailureKind::Retry)], START);
    assert!(matches!(entry(&engine, &half), Some(Entry::Open(_))));
    let (_, blocks) = engine.seal();
    let mut engine = recovered(&engine, blocks);
    let Some(Entry::Open(found)) = entry(&engine, &half) else {
        panic!("it is there after a restart")
    };
    assert_eq!(found.id(), half.id());
    let asked = question(&mut engine, START + FIRST);
    assert_eq!(asked.half.id(), half.id());
}

#[test]
fn a_handler_that_was_overruled_is_handed_its_message_again() {
    let (mut engine, run, half) = preparing();
    let asked = question(&mut engine, START + FIRST);
    engine.checked(&asked, Verdict::Decided(Decision::RollBack), START);
    engine.complete(&run.ticket, vec![settling(&half, Decision::Commit)], START);
    let again = runs(&mut engine).pop().expect("it runs again");
    assert_eq!(
        (&again.subscription, again.messages[0].attempts),
        (&run.subscription, 0)
    );
    assert_eq!(
        entry(&engine, &half),
        Some(Entry::Decided(Decision::RollBack))
    );
    assert_eq!(again.recent.len(), 1, "and it sees what was decided");
    assert_eq!(engine.half_census(), (0, 0, 1));
}

#[test]
fn a_handler_and_a_check_that_agree_deliver_once() {
    let (mut engine, run, half) = preparing();
    let asked = question(&mut engine, START + FIRST);
    engine.checked(&asked, Verdict::Decided(Decision::Commit), START);
    engine.complete(&run.ticket, vec![settling(&half, Decision::Commit)], START);
    let run = runs(&mut engine).pop().expect("the half message");
    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
    assert!(runs(&mut engine).is_empty());
    assert_eq!((pending(&engine), engine.half_census()), (0, (0, 1, 0)));
}

#[test]
fn a_run_that_is_over_prepares_nothing() {
    let (mut engine, run, half) = preparing();
    engine.complete(&run.ticket, vec![Ok(Effects::default())], START);
    let late = engine.prepare(run.ticket.number(), half, START);
    assert_eq!(late, Err(PrepareError::Over));
    assert_eq!(engine.half_census().0, 1);
}
