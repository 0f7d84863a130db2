//! Half messages that handlers left unsettled: asked about, and settled.

use rand::Rng;
use wasmill_sdk::{Half, HalfState, Outgoing, Verdict};

use crate::bus::{HalfMessage, State};
use crate::plugins;
use crate::world::{World, call};

/// Plugin, key and name.
pub(crate) type Id = (String, String, String);

/// Asks about one of them, whenever: also long before its handler gave up. False if none is asked
/// about.
pub(crate) fn check_one(world: &mut World) -> bool {
    let Some(id) = open(world).next().cloned() else {
        return false;
    };
    // While there are faults, others may be first.
    if world.faulty && world.random.random_bool(0.8) {
        return false;
    }
    check(world, &id);
    true
}

/// Those that nobody has decided about.
pub(crate) fn open(world: &World) -> impl Iterator<Item = &Id> {
    let open = |half: &HalfMessage| half.state == HalfState::Prepared;
    let open = world.halves.iter().filter(move |(_, half)| open(half));
    open.map(|(id, _)| id)
}

/// Asks about one of them.
pub(crate) fn check(world: &mut World, id: &Id) {
    let HalfMessage {
        message, checks, ..
    } = world.halves[id].clone();
    let half = Half {
        id: String::new(),
        name: id.2.clone(),
        scope_key: id.1.clone(),
        prepared_at: world.now,
        checks,
        topic: message.topic,
        key: message.key,
        tag: message.tag,
        headers: message.headers,
        body: message.body,
    };
    let state = State::new();
    let dies_in = world.dies_in.take();
    let verdict = plugins::check(&id.0, &mut call(world, &id.0, &id.1, &state), &half);
    world.dies_in = dies_in;
    match verdict {
        Verdict::Commit => decide(world, id, HalfState::Committed),
        Verdict::Rollback => decide(world, id, HalfState::RolledBack),
        Verdict::Unknown(_) => world.halves.get_mut(id).expect("still there").checks += 1,
    }
}

/// A check-back decides: the half stays, for its handler to see.
fn decide(world: &mut World, id: &Id, state: HalfState) {
    let half = world.halves.get_mut(id).expect("a half message");
    half.state = state;
    let message = half.message.clone();
    deliver(world, message, state);
}

/// A handler's commit ends a half message.
pub(crate) fn settle(world: &mut World, id: &Id, state: HalfState) {
    let half = world.halves.remove(id).expect("a half message");
    if half.state == HalfState::Prepared {
        deliver(world, half.message, state);
    }
}

fn deliver(world: &mut World, message: Outgoing, state: HalfState) {
    world.decided.push(state);
    if state == HalfState::Committed {
        let Outgoing {
            topic, key, body, ..
        } = message;
        world.publish(&topic, key.as_deref(), &body);
    }
}
