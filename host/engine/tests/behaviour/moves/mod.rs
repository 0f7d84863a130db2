//! Subscriptions that are moved, and new ones that begin with what the log has.

mod bounds;
mod parked;
mod retention;
mod world;

use std::collections::BTreeMap;

use wasmill_engine::MoveError;
use wasmill_model::Start;

use self::world::{World, arrive, load};
use super::*;

/// What is seen when all messages are, of both keys.
fn all_of(name: &str, last: u32, ends: &[u32]) -> BTreeMap<(Name, Name), Vec<u32>> {
    let of = |rest: u32| (0..last).filter(move |number| number % 2 == rest);
    let odd = of(1).chain(ends.iter().copied());
    let both = [("even", of(0).collect()), ("odd", odd.collect())];
    both.map(|(key, seen)| ((name.into(), key.into()), seen))
        .into()
}

#[test]
fn a_subscription_moved_to_first_gets_everything_once_and_in_order_wherever_it_crashes() {
    let name = Name::from("s");
    for crash_at in 0..40 {
        let mut world = World::new(vec![sub("s", "a"), sub("other", "b")]);
        (0..4).for_each(|_| world.send(START));
        world.handle_all();
        // These wait, and must not come twice.
        world.serve(false);
        (0..4).for_each(|_| world.send(START));
        world.engine.begin_move(&name, Start::First, START).unwrap();
        let again = world.engine.begin_move(&name, Start::First, START);
        assert_eq!(again, Err(MoveError::UnderWay(name.clone())));
        let mut steps = 0;
        while world.step(&name) {
            steps += 1;
            if steps == crash_at {
                world.crash();
            }
            // What is sent meanwhile comes behind what the log has.
            if steps < 6 {
                world.send(START);
            }
            assert!(steps < 200, "the move does not end");
        }
        let (sent, moved) = (world.sent, steps > 5);
        assert!(moved, "{steps} steps");
        world.serve(true);
        let seen = world.handle_all();
        // A crash after the tail began begins it anew, with what was sent then.
        let ends = &seen[&(name.clone(), "odd".into())];
        let ends: Vec<_> = ends.iter().copied().filter(|it| *it >= 1_000_000).collect();
        assert_eq!(seen, all_of("s", sent, &ends), "crash at step {crash_at}");
        assert_eq!(ends, [1_000_000, 1_000_001], "crash at step {crash_at}");
        assert_eq!(pending(&world.engine), 0);
        world.crash();
        world.serve(true);
        assert_eq!(world.handle_all(), BTreeMap::new());
        world.send(START);
        assert_eq!(world.handle_all().len(), 1, "it gets what is sent again");
    }
}

#[test]
fn a_subscription_moved_to_last_drops_what_waits_however_much_it_is() {
    let name = Name::from("s");
    let mut world = World::new(vec![sub("s", "a")]);
    world.serve(false);
    (0..3_000).for_each(|_| world.send(START));
    world.engine.begin_move(&name, Start::Last, START).unwrap();
    world.send(START);
    arrive(&mut world, &name);
    assert_eq!(pending(&world.engine), 1);
    world.crash();
    assert_eq!(pending(&world.engine), 1);
    world.serve(true);
    let seen = world.handle_all();
    assert_eq!(seen, [((name, "even".into()), vec![3_000])].into());
}

#[test]
fn a_position_is_since_its_move_began_however_long_that_takes() {
    let name = Name::from("s");
    let mut world = World::new(vec![sub("s", "a")]);
    world.serve(false);
    (0..3_000).for_each(|_| world.send(START));
    let begun = START + Duration::from_secs(1);
    let later = begun + Duration::from_secs(1);
    world.engine.begin_move(&name, Start::First, begun).unwrap();
    while world.engine.drop_waiting(&name, later).is_some() {
        load(&mut world.engine, &mut world.pages);
    }
    let since = |world: &World| world.engine.position(&name).expect("known").since;
    assert_eq!(since(&world), begun, "what waited is dropped");
    world.engine.replay(&name, Vec::new(), 1, later);
    assert_eq!(since(&world), begun, "some of the log is read");
}

#[test]
fn a_timer_that_falls_due_while_its_subscription_is_moved_is_delivered() {
    let name = Name::from("s");
    let due = START + Duration::from_millis(1);
    let mut world = World::new(vec![sub("s", "a")]);
    world.set_timers(1, due);
    world.engine.begin_move(&name, Start::First, START).unwrap();
    let is_replaying = |world: &World| {
        let moving = &world.engine.position(&name).expect("known").moving;
        let moving = moving.as_ref().expect("a move");
        moving.replay.is_some() && moving.dropped_before.is_empty()
    };
    while !is_replaying(&world) {
        assert!(world.step(&name), "the move ended without a replay");
    }
    // The first look at the timers takes those that are near, the second one rings them.
    world.engine.tick(due);
    world.engine.tick(due);
    world.seal();
    assert_eq!(pending(&world.engine), 1, "the timer");
    arrive(&mut world, &name);
    world.serve(true);
    let seen = world.handle_all();
    assert_eq!(seen[&(name, "even".into())], [0, 0], "what set it, and it");
}

#[test]
fn a_subscription_moved_to_a_time_gets_what_was_sent_then_or_later() {
    let name = Name::from("s");
    let mut world = World::new(vec![sub("s", "a")]);
    (0..10).for_each(|n| world.send(Millis(START.0 + n)));
    world.handle_all();
    let to = Start::At(Millis(START.0 + 7));
    world.engine.begin_move(&name, to, START).unwrap();
    let position = world.engine.position(&name).unwrap().clone();
    assert_eq!(
        position.moving.unwrap().replay.unwrap().from,
        Millis(START.0 + 7)
    );
    arrive(&mut world, &name);
    let seen = world.handle_all();
    assert_eq!(seen[&(name.clone(), "even".into())], [8]);
    assert_eq!(seen[&(name, "odd".into())], [7, 9, 1_000_000, 1_000_001]);
}

#[test]
fn what_runs_while_its_subscription_is_moved_ends_before_and_a_dead_letter_stays_one() {
    let name = Name::from("s");
    let mut world = World::new(vec![sub("s", "a")]);
    world.send(START);
    let run = runs(&mut world.engine).pop().expect("a run");
    world.engine.begin_move(&name, Start::Last, START).unwrap();
    assert_eq!(
        world.engine.drop_waiting(&name, START),
        Some(0),
        "it is waited for"
    );
    world
        .engine
        .complete(&run.ticket, vec![failure(FailureKind::Reject)], START);
    assert_eq!(world.engine.drop_waiting(&name, START), None);
    let partition = world.engine.partitioner().of("even");
    assert_eq!(
        world
            .engine
            .recent_dead_letters(partition, None, None)
            .len(),
        1
    );
}

/// Messages before and at once after it comes.
fn with_a_newcomer(start: Start) -> BTreeMap<(Name, Name), Vec<u32>> {
    let mut world = World::new(vec![sub("old", "b")]);
    (0..4).for_each(|_| world.send(START));
    let topics = ["a", "b"].map(TopicPattern::new).to_vec();
    let new = Subscription {
        start,
        ..sub("new", "a")
    };
    let routes = Arc::new(Routes::new(topics, vec![sub("old", "b"), new]));
    world.engine.set_routes(&routes, START).unwrap();
    world.engine.meet(START);
    world.routes = routes;
    world.send(START);
    world.crash();
    world.serve(true);
    arrive(&mut world, &"new".into());
    // It is not new any more.
    world.engine.meet(START);
    assert_eq!(world.engine.moves().count(), 0);
    world.handle_all()
}

/// apache/rocketmq #7187 and #9535: the first message of a new group is lost.
#[test]
fn a_new_subscription_gets_the_first_message_that_is_sent_after_it() {
    let seen = with_a_newcomer(Start::Last);
    assert_eq!(seen, [(("new".into(), "even".into()), vec![4])].into());
}

#[test]
fn a_new_subscription_that_starts_first_gets_what_was_sent_before_it() {
    let seen = with_a_newcomer(Start::First);
    assert_eq!(seen, all_of("new", 5, &[1_000_000, 1_000_001]));
}

#[test]
fn the_log_is_kept_for_a_step_of_a_replay_that_a_crash_takes_back() {
    let name = Name::from("s");
    let mut world = World::new(vec![sub("s", "a")]);
    (0..10).for_each(|_| world.send(START));
    world.handle_all();
    world.engine.begin_move(&name, Start::First, START).unwrap();
    let next = |world: &mut World| {
        let moving = world.engine.position(&name).unwrap().moving.clone();
        moving.and_then(|it| it.replay).map(|it| it.next_block)
    };
    let mut last = Some(0);
    while world.step(&name) {
        let (durable, now) = (world.blocks.len() as u64, next(&mut world));
        assert_eq!(world.engine.replay_floor(durable - 1), last);
        assert_eq!(world.engine.replay_floor(durable), now);
        last = now;
    }
    assert_eq!(last, None, "it has arrived");
}
