//! Subscriptions that are moved, and new ones that begin with what the log has.

mod bounds;
mod parked;
mod retention;

use std::collections::BTreeMap;

use wasmill_engine::{MoveError, PageRef, Replayed};
use wasmill_model::effects::{Delayed, Scope};
use wasmill_model::{Message, Start};

use super::*;

/// An engine, its log and its view's pages.
struct World {
    engine: Engine,
    routes: Arc<Routes>,
    blocks: Vec<Vec<u8>>,
    pages: Vec<(PageRef, Vec<u8>)>,
    sent: u32,
}

impl World {
    fn new(subscriptions: Vec<Subscription>) -> Self {
        let mut engine = engine(subscriptions);
        engine.meet(START);
        Self {
            routes: engine.routes().clone(),
            engine,
            blocks: Vec::new(),
            pages: Vec::new(),
            sent: 0,
        }
    }

    fn serve(&mut self, serving: bool) {
        self.engine.set_serving(&"plugin".into(), serving);
    }

    /// Takes in the next message, for one of two keys.
    fn send(&mut self, now: Millis) {
        let key = ["even", "odd"][self.sent as usize % 2];
        let body = Bytes::from(self.sent.to_string());
        let incoming = Incoming {
            body,
            ..message("a", key, b"")
        };
        self.engine.accept(incoming, now).unwrap();
        self.sent += 1;
        self.seal();
    }

    /// Takes in so many messages of the key `even`.
    fn take_in(&mut self, count: u32, body: &'static [u8]) {
        for _ in 0..count {
            let incoming = message("a", "even", body);
            self.engine.accept(incoming, START).unwrap();
        }
    }

    /// A handler sets so many timers of the key `even`; then nobody serves.
    fn set_timers(&mut self, count: u32, due: Millis) {
        self.take_in(1, b"0");
        let run = runs(&mut self.engine).pop().expect("a run");
        let set = &run.messages[0].message;
        let timer = |number: u32| Delayed {
            due,
            message: Arc::new(Message {
                timer: Some(format!("t-{number}").as_str().into()),
                id: set.id.sent("s", number),
                ..Message::clone(set)
            }),
            scope: Some(Scope {
                plugin: "plugin".into(),
                key: "even".into(),
            }),
        };
        let effects = Effects {
            delayed: (0..count).map(timer).collect(),
            ..Effects::default()
        };
        self.engine.complete(&run.ticket, vec![Ok(effects)], START);
        self.serve(false);
    }

    fn seal(&mut self) {
        self.blocks.extend(self.engine.seal().1);
    }

    /// What is not in the log is lost, and so are the runs.
    fn crash(&mut self) {
        self.seal();
        let mut recovery = Recovery::new(Config::default(), &self.routes, None).unwrap();
        for block in &self.blocks {
            recovery.replay(block).unwrap();
            let engine = recovery.engine();
            load(engine, &mut self.pages);
        }
        self.engine = recovery.finish(START);
    }

    /// Handles all that there is; returns the bodies by subscription and key, in their order.
    fn handle_all(&mut self) -> BTreeMap<(Name, Name), Vec<u32>> {
        let mut seen: BTreeMap<_, Vec<u32>> = BTreeMap::new();
        loop {
            let runs = load(&mut self.engine, &mut self.pages);
            if runs.is_empty() {
                return seen;
            }
            for run in runs {
                let place = (run.subscription.clone(), key_of(&run));
                let bodies = run.messages.iter().map(|pending| {
                    let text = str::from_utf8(&pending.message.body).unwrap();
                    text.parse::<u32>().unwrap()
                });
                seen.entry(place).or_default().extend(bodies);
                let done = run
                    .messages
                    .iter()
                    .map(|_| Ok::<_, wasmill_model::Failure>(Effects::default()));
                self.engine
                    .complete(&run.ticket, done.collect::<Vec<_>>(), START);
            }
            self.seal();
        }
    }

    /// Takes one step of a move, as the host does, but by three blocks. False once it has arrived.
    fn step(&mut self, name: &Name) -> bool {
        let position = self.engine.position(name).expect("it is known").clone();
        let Some(moving) = position.moving else {
            return false;
        };
        let replay = match moving.replay {
            Some(replay) if moving.dropped_before.is_empty() => replay,
            _ => {
                self.engine.drop_waiting(name, START);
                load(&mut self.engine, &mut self.pages);
                self.seal();
                return true;
            }
        };
        self.seal();
        let routes = self.routes.clone();
        let replayed = Replayed {
            routes: &routes,
            subscription: routes.subscription(name).unwrap(),
            from: replay.from,
            begun: position.since,
        };
        let read = |block: &Vec<u8>, until| replayed.of_block(block, until).unwrap();
        let next = usize::try_from(replay.next_block).unwrap();
        // More blocks at once than the one that comes of it: the end comes nearer.
        let end = next + 3;
        if end < self.blocks.len() {
            let piece = self.blocks[next..end].iter();
            let messages = piece.flat_map(|block| read(block, None)).collect();
            self.engine.replay(name, messages, end as u64, START);
            self.seal();
            return true;
        }
        let in_block = message("a", "odd", b"1000000");
        self.engine.accept(in_block, START).unwrap();
        let tail = self.engine.begin_tail(name).expect("it is moving");
        let in_tail = message("a", "odd", b"1000001");
        self.engine.accept(in_tail, START).unwrap();
        self.seal();
        let end = usize::try_from(tail.barrier).unwrap();
        let rest = self.blocks[next..end].iter();
        let messages = rest.flat_map(|block| read(block, Some(&tail.positions)));
        self.engine.end_move(name, messages.collect(), START);
        self.seal();
        true
    }
}

/// Takes all steps of a move.
fn arrive(world: &mut World, name: &Name) {
    let steps = (0..1_000).take_while(|_| world.step(name)).count();
    assert!(steps < 1_000, "the move does not end");
}

/// Writes and loads pages; returns the runs.
fn load(engine: &mut Engine, pages: &mut Vec<(PageRef, Vec<u8>)>) -> Vec<RunRequest> {
    let mut runs = Vec::new();
    loop {
        let actions = engine.take_actions();
        if actions.is_empty() {
            return runs;
        }
        for action in actions {
            match action {
                Action::Run(run) => runs.push(run),
                Action::WritePage(page, bytes) => pages.push((page, bytes)),
                Action::LoadPage(page) => {
                    let found = pages.iter().rev().find(|(it, _)| *it == page);
                    let bytes = found.expect("it was written").1.clone();
                    engine.page_loaded(&page, &bytes).unwrap();
                }
                _ => {}
            }
        }
    }
}

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
