//! Moves of subscriptions that have much before what is to be dropped, or get more than they handle.

use super::*;
use wasmill_engine::Survey;

/// As many timers of a subscription as a partition holds in lanes when more is brought out.
const TIMERS_MAX: usize = 1_024;
/// Messages of a key that are in memory at once.
const TRACK_COUNT_MAX: usize = 64;
/// Messages of a subscription that a partition gives to lanes at once.
const ASSIGNED_COUNT_MAX: usize = 128;

/// Due timers of the key `even`, with messages of it behind them, while nobody serves it.
fn with_due_timers(world: &mut World, timers: u32, behind: u32) {
    world.set_timers(timers, START);
    for _ in 0..=timers {
        if pending(&world.engine) == u64::from(timers) {
            break;
        }
        world.engine.tick(START);
        load(&mut world.engine, &mut world.pages);
    }
    assert_eq!(pending(&world.engine), u64::from(timers));
    world.take_in(behind, b"1");
    load(&mut world.engine, &mut world.pages);
}

/// Polls a move for as long as something comes of it; returns how much, and whether it is at an
/// end.
fn drop_all(world: &mut World, name: &Name) -> (usize, bool) {
    let (mut count, mut idle) = (0, 0);
    // A poll may do no more than ask for a page.
    while idle < 2 {
        match world.engine.drop_waiting(name, START) {
            None => return (count, true),
            Some(0) => idle += 1,
            Some(some) => (count, idle) = (count + some, 0),
        }
        load(&mut world.engine, &mut world.pages);
        world.seal();
    }
    (count, false)
}

/// Handles what runs, one run at a time, and goes on with the move after each; returns the bodies.
fn handle_and_drop(world: &mut World, name: &Name) -> Vec<Bytes> {
    let mut bodies = Vec::new();
    loop {
        let Some(run) = load(&mut world.engine, &mut world.pages).pop() else {
            return bodies;
        };
        bodies.extend(run.messages.iter().map(|it| it.message.body.clone()));
        let done = run.messages.iter().map(|_| Ok(Effects::default()));
        let done: Vec<Result<_, wasmill_model::Failure>> = done.collect();
        // What is dropped now lies behind what the next run gets.
        world.serve(false);
        world.engine.complete(&run.ticket, done, START);
        drop_all(world, name);
        world.serve(true);
    }
}

#[test]
fn timers_that_nobody_serves_are_brought_out_up_to_a_bound_and_the_move_waits_there() {
    for crashes in [false, true] {
        let mut world = World::new(vec![sub("s", "a")]);
        with_due_timers(&mut world, 3_000, 100);
        let name = Name::from("s");
        world.engine.begin_move(&name, Start::Last, START).unwrap();
        let (brought_out, is_over) = drop_all(&mut world, &name);
        assert_eq!(brought_out, TIMERS_MAX - TRACK_COUNT_MAX);
        assert!(!is_over, "what is to be dropped lies behind other timers");
        assert_eq!(drop_all(&mut world, &name), (0, false));
        if crashes {
            world.crash();
            load(&mut world.engine, &mut world.pages);
            drop_all(&mut world, &name);
        }
        world.serve(true);
        let bodies = handle_and_drop(&mut world, &name);
        assert_eq!(bodies.len(), 3_000, "all timers, and nothing else");
        assert!(bodies.iter().all(|it| *it == b"0"[..]));
        assert_eq!(drop_all(&mut world, &name), (0, true));
        assert_eq!(pending(&world.engine), 0);
    }
}

#[test]
fn timers_that_fill_their_key_do_not_hold_up_a_move_though_nobody_serves_it() {
    let mut world = World::new(vec![sub("s", "a")]);
    with_due_timers(&mut world, 300, 2_000);
    let name = Name::from("s");
    world.engine.begin_move(&name, Start::Last, START).unwrap();
    arrive(&mut world, &name);
    assert_eq!(pending(&world.engine), 300, "the timers stay");
    world.crash();
    world.serve(true);
    assert_eq!(
        world
            .handle_all()
            .into_values()
            .flatten()
            .collect::<Vec<_>>(),
        [0; 300]
    );
}

#[test]
fn what_comes_after_a_move_began_is_not_brought_out_however_fast_it_is_handled() {
    let mut world = World::new(vec![sub("s", "a")]);
    let partitioner = world.engine.partitioner();
    let home = partitioner.of("even");
    let keys = (0..).map(|number: u32| format!("key-{number}"));
    let mut keys = keys.filter(|key| partitioner.of(key) == home);
    let mut accept = |world: &mut World, body| {
        let key = keys.next().expect("keys have no end");
        let incoming = message("a", &key, body);
        world.engine.accept(incoming, START).unwrap();
    };
    let old = ASSIGNED_COUNT_MAX + 20;
    (0..old).for_each(|_| accept(&mut world, b"0"));
    let mut running = runs(&mut world.engine);
    assert_eq!(running.len(), ASSIGNED_COUNT_MAX);
    let name = Name::from("s");
    world.engine.begin_move(&name, Start::Last, START).unwrap();
    (0..3).for_each(|_| accept(&mut world, b"1"));
    // They are brought out, and dropped before they run.
    assert_eq!(world.engine.drop_waiting(&name, START), Some(20));
    assert_eq!(world.engine.drop_waiting(&name, START), Some(0));
    assert!(runs(&mut world.engine).is_empty());
    let complete = |world: &mut World, run: &RunRequest| {
        let done = vec![Ok::<_, wasmill_model::Failure>(Effects::default())];
        world.engine.complete(&run.ticket, done, START);
    };
    for left in (0..ASSIGNED_COUNT_MAX).rev() {
        complete(&mut world, &running.remove(0));
        // More comes than the move would end without, and what came is handled before it looks.
        accept(&mut world, b"1");
        let handled: Vec<_> = runs(&mut world.engine);
        assert!(
            handled
                .iter()
                .all(|run| run.messages[0].message.body == b"1"[..])
        );
        handled.iter().for_each(|run| complete(&mut world, run));
        let poll = world.engine.drop_waiting(&name, START);
        assert_eq!(poll, (left > 0).then_some(0), "{left} run");
    }
}

#[test]
fn the_oldest_message_is_that_of_the_survey() {
    let mut world = World::new(vec![sub("s", "a")]);
    let name = Name::from("s");
    (0..300).for_each(|nth| world.send(Millis(START.0 + nth)));
    let survey = |engine: &Engine| {
        let mut survey = Survey::default();
        while !engine.survey(&mut survey, 1) {}
        survey
    };
    let first = survey(&world.engine);
    let standing = world.engine.standing(&name, &first).expect("it is known");
    assert_eq!((standing.waiting, standing.oldest), (300, Some(START)));
    assert_eq!(world.engine.standing(&"other".into(), &first), None);
    world.handle_all();
    let standing = world.engine.standing(&name, &first).expect("it is known");
    assert_eq!((standing.waiting, standing.oldest), (0, None));
}
