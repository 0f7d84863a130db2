//! What distinguishes one state of the race from another: all but how it was reached.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use super::events::Moment;
use crate::world::World;

/// A state, in 128 bits: among millions, two that differ do not look the same.
pub(super) fn fingerprint(moment: &Moment) -> u128 {
    let mut hasher = Wide::new();
    let left = &moment.left;
    [
        left.payments,
        left.refunds,
        left.finishes,
        left.faults,
        left.waits,
    ]
    .hash(&mut hasher);
    hash_world(&moment.world, &mut hasher);
    hasher.wide()
}

/// Ids of messages, and when they were sent, are how it was reached; no handler here looks at them
/// but for the names of mails, of which the topics count.
fn hash_world(world: &World, hasher: &mut Wide) {
    world.now.hash(hasher);
    world.states.hash(hasher);
    world.timers.hash(hasher);
    world.provider.charges.hash(hasher);
    world.provider.refunds.hash(hasher);
    for (id, queue) in &world.queues {
        id.hash(hasher);
        for message in queue {
            (&message.topic, &message.body).hash(hasher);
        }
    }
    for (id, half) in &world.halves {
        (id, discriminant(&half.state), half.checks).hash(hasher);
        half.message.body.hash(hasher);
    }
    world.decided.len().hash(hasher);
    for state in &world.decided {
        discriminant(state).hash(hasher);
    }
    for name in world.files.keys() {
        name.split('-').next().hash(hasher);
    }
}

/// Two hashes, begun apart.
struct Wide(DefaultHasher, DefaultHasher);

impl Wide {
    fn new() -> Self {
        let (first, mut second) = (DefaultHasher::new(), DefaultHasher::new());
        second.write_u8(1);
        Self(first, second)
    }

    fn wide(&self) -> u128 {
        u128::from(self.0.finish()) << 64 | u128::from(self.1.finish())
    }
}

impl Hasher for Wide {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
