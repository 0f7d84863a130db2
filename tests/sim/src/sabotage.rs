//! Bugs planted on purpose: what shows that the simulator finds such bugs.

use std::sync::Arc;

use wasmill_engine::{Checkpoint, Engine, Resume, RunRequest, Write};
use wasmill_model::{Message, Millis, reserved};

/// A bug of the simulated host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Messages are acknowledged before they are durable.
    LostAck,
    /// A timer that rang comes back with the next restart.
    DoubledTimer,
    /// The first two messages of a run are handled in the wrong order.
    OrderSwap,
    /// Timers ring before their time.
    EarlyTimer,
    /// What was read of the view counts, though a checkpoint ended since.
    StaleClaim,
    /// A half message that waits does not reach the view.
    LostHalf,
    /// A claim is swept though its id was claimed anew.
    SweptClaim,
    /// The last bytes of a block do not reach the log, though it says so.
    TornRecord,
    /// Whoever takes a message back is told that it is done, and it is not.
    LyingRecall,
    /// A dead letter that was redriven comes back with the next restart.
    DoubledRedrive,
    /// A subscription that is moved misses the last message of what is delivered anew.
    LossyMove,
    /// How a schedule stands does not reach the view.
    DoubledRun,
    /// A halted key goes on by itself: what it halted at is given up.
    PassedHalt,
    /// Handlers of a broadcast see the plugin's state.
    SharedBroadcast,
    /// A subscription that is new to the routes is noted with the next restart only.
    LateNewcomer,
}

/// What is planted: nothing, usually.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sabotage(pub(crate) Option<Bug>);

impl Sabotage {
    /// How many blocks are taken for durable.
    pub(crate) fn durable(self, durable: u64, sealed: u64) -> u64 {
        match self.0 {
            Some(Bug::LostAck) => sealed,
            _ => durable,
        }
    }

    /// How many milliseconds the engine's clock is ahead of the guests'.
    pub(crate) fn ahead(self) -> u64 {
        match self.0 {
            Some(Bug::EarlyTimer) => 30,
            _ => 0,
        }
    }

    /// Whether what was read at one version of a partition still holds at another.
    pub(crate) fn still_holds(self, read: u64, now: u64) -> bool {
        read == now || self.0 == Some(Bug::StaleClaim)
    }

    /// What of a checkpoint reaches the view.
    pub(crate) fn checkpoint(self, checkpoint: &mut Checkpoint) {
        let is_deleted = |write: &Write, kind| write.key[0] == kind && write.value.is_none();
        let Checkpoint { blind, atomic, .. } = checkpoint;
        match self.0 {
            Some(Bug::DoubledTimer) => blind.retain(|write| !is_deleted(write, b't')),
            Some(Bug::DoubledRedrive) => blind.retain(|write| !is_deleted(write, b'x')),
            Some(Bug::LostHalf) => blind.retain(|write| write.key[0] != b'h'),
            Some(Bug::DoubledRun) => atomic.retain(|write| write.key[0] != b'c'),
            _ => {}
        }
    }

    /// What time it is for a claim whose time was to be over.
    pub(crate) fn sweep(self, now: Millis) -> Millis {
        match self.0 {
            Some(Bug::SweptClaim) => Millis::MAX,
            _ => now,
        }
    }

    /// What else happens when the engine is told the time.
    pub(crate) fn tick(self, engine: &mut Engine) {
        if self.0 == Some(Bug::PassedHalt) {
            let halted = engine.halted(None).map(|it| it.subscription).next();
            let keys = halted.map(|it| engine.halted_keys(&it, None));
            if let Some(key) = keys.as_ref().and_then(|keys| keys.first()) {
                engine.resume(key, Resume::GiveUp, engine.now());
            }
        }
    }

    /// Whether what is to be taken back is left, and said to be taken back.
    pub(crate) fn lies(self) -> bool {
        self.0 == Some(Bug::LyingRecall)
    }

    /// Whether subscriptions that are new to the routes are noted.
    pub(crate) fn meets(self) -> bool {
        self.0 != Some(Bug::LateNewcomer)
    }

    /// What is delivered anew of a part of the log.
    pub(crate) fn replay(self, messages: &mut Vec<Arc<Message>>) {
        if self.0 == Some(Bug::LossyMove) {
            messages.pop();
        }
    }

    /// A run as the guest gets it: whose state it sees, and its messages.
    pub(crate) fn run(self, request: &mut RunRequest) {
        match self.0 {
            Some(Bug::SharedBroadcast) => {
                request.owner = reserved::plugin_of(&request.owner).into();
            }
            Some(Bug::OrderSwap) if request.messages.len() > 1 => request.messages.swap(0, 1),
            _ => {}
        }
    }

    /// What of a block reaches the log.
    pub(crate) fn append(self, block: &[u8]) -> &[u8] {
        match self.0 {
            Some(Bug::TornRecord) => &block[..block.len() - 1],
            _ => block,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{simulate, simulate_with};

    /// Worlds in which a bug must be found. Each is found within a few; how many depends on the
    /// seeds, which are fixed.
    const WORLDS: u64 = 150;

    #[test]
    fn every_planted_bug_is_found_and_none_where_none_is_planted() {
        for (bug, said) in [
            (Bug::LostAck, "was sent"),
            (Bug::DoubledTimer, "happened before"),
            (Bug::OrderSwap, "turn"),
            (Bug::EarlyTimer, "rings at"),
            (Bug::StaleClaim, "was taken twice"),
            (Bug::LostHalf, "receipt"),
            (Bug::SweptClaim, "whether the claim of"),
            (Bug::TornRecord, "recovery found damage"),
            (Bug::LyingRecall, "errand"),
            (Bug::DoubledRedrive, "was there again"),
            (Bug::LossyMove, "read article"),
            (Bug::DoubledRun, "run"),
            (Bug::PassedHalt, "went on by itself"),
            (Bug::SharedBroadcast, "who keeps the state"),
            (Bug::LateNewcomer, "read article"),
        ] {
            // Some workloads see a bug as something else; one sees it as what it is.
            let mut failures = (0..WORLDS).filter_map(|seed| simulate_with(seed, Some(bug)).err());
            let found = failures.find(|failure| failure.contains(said));
            let found = found.unwrap_or_else(|| panic!("{bug:?} is not found"));
            assert_eq!(
                simulate_with(seed_of(&found), Some(bug)),
                Err(found),
                "it is repeated"
            );
        }
        for seed in 0..5 {
            assert!(simulate(seed).is_ok());
        }
    }

    fn seed_of(failure: &str) -> u64 {
        let seed = failure
            .strip_prefix("seed ")
            .and_then(|rest| rest.split(':').next());
        seed.and_then(|seed| seed.parse().ok())
            .expect("a failure names its seed")
    }
}
