//! Moves of subscriptions with a timer that failed, and waits before what is to be dropped.

use super::*;

/// A timer of the key `even` that was handled once, and failed, with `behind` messages behind it
/// when it ran.
fn with_a_failed_timer(world: &mut World, behind: u32) -> Millis {
    world.set_timers(1, START);
    // The first look at the timers takes those that are near, the second one rings them.
    world.engine.tick(START);
    world.engine.tick(START);
    world.take_in(behind, b"1");
    world.serve(true);
    let run = runs(&mut world.engine).pop().expect("the timer");
    assert!(run.messages[0].message.timer.is_some());
    let failed = vec![failure(FailureKind::Retry)];
    world.engine.complete(&run.ticket, failed, START);
    START + Duration::from_millis(100)
}

/// The messages of the only run that begins at `now`, without what loads.
fn run_at(world: &mut World, now: Millis) -> Vec<(bool, u32)> {
    world.engine.tick(now);
    let runs = load(&mut world.engine, &mut world.pages);
    let messages = runs.iter().flat_map(|run| &run.messages);
    messages
        .map(|it| (it.message.timer.is_some(), it.attempts))
        .collect()
}

#[test]
fn what_is_dropped_behind_a_parked_timer_does_not_set_it_going() {
    let mut world = World::new(vec![sub("s", "a")]);
    let due = with_a_failed_timer(&mut world, 2);
    let name = Name::from("s");
    world.engine.begin_move(&name, Start::Last, START).unwrap();
    assert_eq!(world.engine.drop_waiting(&name, START), Some(2));
    assert_eq!(world.engine.drop_waiting(&name, START), None);
    assert_eq!(run_at(&mut world, Millis(due.0 - 1)), []);
    assert_eq!(run_at(&mut world, due), [(true, 1)]);
}

#[test]
fn a_move_ends_though_a_timer_is_parked_before_what_is_to_be_dropped() {
    let mut world = World::new(vec![sub("s", "a")]);
    let due = with_a_failed_timer(&mut world, 0);
    // Behind a parked message they lie out of memory: some pages, and an end.
    world.take_in(5_000, b"1");
    load(&mut world.engine, &mut world.pages);
    assert!(!world.pages.is_empty());
    let name = Name::from("s");
    world.engine.begin_move(&name, Start::Last, START).unwrap();
    world.take_in(1, b"2");
    arrive(&mut world, &name);
    assert_eq!(pending(&world.engine), 2, "the timer, and what came after");
    world.crash();
    world.serve(true);
    assert_eq!(run_at(&mut world, Millis(due.0 - 1)), []);
    assert_eq!(run_at(&mut world, due)[0], (true, 1));
    assert_eq!(pending(&world.engine), 2);
}
