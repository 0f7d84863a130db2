//! Claims in keys' states: swept from the view when they are over, and never one that is in force.

use std::collections::BTreeMap;

use wasmill_engine::expiry::Expiry;
use wasmill_engine::{Checkpoint, Write, layout};
use wasmill_model::effects::Scope;
use wasmill_model::{PartitionId, reserved};

use super::*;

/// How long the first claim is in force, and when it is over.
const FIRST: Duration = Duration::from_millis(10);
/// How long the second one is.
const SECOND: Duration = Duration::from_secs(10);

type View = BTreeMap<Vec<u8>, Bytes>;

/// An engine, the view behind it, and the blocks of its log.
struct World {
    engine: Engine,
    view: View,
    log: Vec<Vec<u8>>,
}

impl World {
    fn new() -> Self {
        Self {
            engine: engine(vec![sub("s", "a")]),
            view: View::new(),
            log: Vec::new(),
        }
    }

    /// A handler claims the id until a time.
    fn claim(&mut self, now: Millis, until: Millis) {
        self.engine.accept(message("a", "k", b""), now).unwrap();
        let run = runs(&mut self.engine).pop().expect("a run");
        let effects = Effects {
            writes: vec![(reserved::claim("id"), Some(reserved::claim_until(until)))],
            ..Effects::default()
        };
        self.engine.complete(&run.ticket, vec![Ok(effects)], now);
        self.log.extend(self.engine.seal().1);
    }

    fn begin_checkpoint(&mut self) -> Checkpoint {
        self.engine.begin_checkpoint(Config::default().partitions)
    }

    fn write(&mut self, writes: impl IntoIterator<Item = Write>) {
        for Write { key, value } in writes {
            match value {
                Some(value) => self.view.insert(key, value),
                None => self.view.remove(&key),
            };
        }
    }

    fn checkpoint(&mut self) {
        let checkpoint = self.begin_checkpoint();
        let claimed = checkpoint.claimed.iter();
        assert_eq!(claimed.map(|it| it.in_states).sum::<usize>(), 1);
        self.write(checkpoint.blind);
        self.engine.end_checkpoint();
    }

    /// Sweeps as the view's thread does.
    fn sweep(&mut self, now: Millis) {
        let prefix = layout::expiries(self.partition());
        let expiries = self.view.keys().filter(|key| key.starts_with(&prefix));
        let expiries: Vec<_> = expiries.map(|key| Expiry::read(key).unwrap()).collect();
        for expiry in expiries.into_iter().filter(|it| it.is_over(now)) {
            let value = self.view.get(expiry.claim()).cloned();
            self.write(expiry.sweep(value.as_deref(), now));
        }
    }

    /// Until when the id is claimed, as the next handler sees it.
    fn claimed(&self) -> Option<Millis> {
        let name = reserved::claim("id");
        let recent = self.engine.recent(&scope());
        let newer = recent.get(&name).cloned();
        let place = layout::state(self.partition(), &scope(), &name);
        let value = newer.unwrap_or_else(|| self.view.get(&place).cloned());
        reserved::claim_expires(&value?)
    }

    fn partition(&self) -> PartitionId {
        self.engine.partitioner().of("k")
    }

    /// How many entries the view has of claims, and the engine's memory of the scope.
    fn entries(&self) -> (usize, usize) {
        let state = layout::scope(self.partition(), &scope());
        let expiries = layout::expiries(self.partition());
        let of = |key: &&Vec<u8>| key.starts_with(&state) || key.starts_with(&expiries);
        let recent = self.engine.recent(&scope());
        (self.view.keys().filter(of).count(), recent.len())
    }
}

fn scope() -> Scope {
    Scope {
        plugin: "plugin".into(),
        key: "k".into(),
    }
}

#[test]
fn a_claim_that_is_over_leaves_neither_the_view_nor_the_engine_an_entry() {
    let mut world = World::new();
    world.claim(START, START + FIRST);
    assert_eq!(world.entries(), (0, 1));
    world.checkpoint();
    assert_eq!(world.entries(), (2, 0), "the claim, and when it is over");
    world.sweep(START);
    assert_eq!(world.claimed(), Some(START + FIRST));
    world.sweep(START + FIRST);
    assert_eq!(world.entries(), (0, 0));
}

/// The second claim comes to the view before the sweep of the first, after it, and between the
/// beginning and the end of the checkpoint that writes it.
#[test]
fn a_claim_that_is_made_anew_outlives_the_sweep_of_the_first() {
    let (over, until) = (START + FIRST, START + FIRST + SECOND);
    for swept_before in [false, true] {
        for swept_meanwhile in [false, true] {
            let mut world = World::new();
            world.claim(START, over);
            world.checkpoint();
            world.claim(over, until);
            if swept_before {
                world.sweep(over);
                assert_eq!(world.claimed(), Some(until), "the engine has it");
            }
            let checkpoint = world.begin_checkpoint();
            assert!(checkpoint.sealed_at >= over, "it may sweep the first one");
            if swept_meanwhile {
                world.sweep(over);
            }
            world.write(checkpoint.blind);
            world.sweep(over);
            world.engine.end_checkpoint();
            assert_eq!((world.claimed(), world.entries()), (Some(until), (2, 0)));
            world.sweep(until);
            assert_eq!((world.claimed(), world.entries()), (None, (0, 0)));
        }
    }
}

#[test]
fn a_claim_made_anew_survives_a_crash_after_the_sweep_of_the_first() {
    let (over, until) = (START + FIRST, START + FIRST + SECOND);
    let mut world = World::new();
    world.claim(START, over);
    world.checkpoint();
    world.claim(over, until);
    world.sweep(over);
    // No round of checkpoints was synced: all is replayed, over whatever the view has.
    let routes = world.engine.routes().clone();
    let mut recovery = Recovery::new(Config::default(), &routes, None).unwrap();
    world
        .log
        .iter()
        .for_each(|block| recovery.replay(block).unwrap());
    world.engine = recovery.finish(START);
    assert!(
        world.engine.now() >= over,
        "it is not before what was swept"
    );
    assert_eq!(world.claimed(), Some(until));
    world.checkpoint();
    world.sweep(over);
    assert_eq!((world.claimed(), world.entries()), (Some(until), (2, 0)));
}
