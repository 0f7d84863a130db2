//! Half messages: prepared, asked about, settled.
//!
//! Those that are asked about are held in memory, within a bound. One that is abandoned leaves it:
//! from then on it lies in the view, and here while the view does not have it yet. What was decided
//! is remembered among the producers' ids, and swept with them.

mod check;
mod id;
mod prepare;
mod settle;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use wasmill_model::half::{Entry, Owner};
use wasmill_model::{Decision, Half, MessageId, Millis, Name, Op, PartitionId};

pub use check::{CheckRequest, Verdict};
pub use id::{HalfId, ParseHalfIdError};
pub use prepare::PrepareError;
pub use settle::{Kept, Settled, kept, read};

use crate::checkpoint::Write;
use crate::codec;
use crate::engine::Engine;
use crate::layout;
use crate::overlay::Overlay;

/// A partition's half messages.
#[derive(Debug, Default)]
pub(crate) struct Halves {
    /// Those that are asked about.
    open: BTreeMap<MessageId, Arc<Half>>,
    /// The same ones, as far as the view does not have them as they are.
    changed: Overlay<MessageId, Arc<Half>>,
    /// Those that are not asked about any more, as far as the view does not have them.
    abandoned: Overlay<MessageId, Arc<Half>>,
}

impl Halves {
    /// What the view must have of them.
    pub(crate) fn begin_checkpoint(&mut self, id: PartitionId) -> Vec<Write> {
        let write = |key, half: Option<&Arc<Half>>| Write {
            key,
            value: half.map(|half| codec::encode(&**half).into()),
        };
        let changed = self.changed.begin_checkpoint();
        let changed = changed.map(|(half, it)| write(layout::half(id, *half), it));
        let abandoned = self.abandoned.begin_checkpoint();
        let abandoned = abandoned.map(|(half, it)| write(layout::abandoned(id, *half), it));
        changed.chain(abandoned).collect()
    }

    /// The view has it.
    pub(crate) fn end_checkpoint(&mut self) {
        self.changed.end_checkpoint();
        self.abandoned.end_checkpoint();
    }
}

/// What the engine knows of all half messages together.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// When whose owner is asked next; not those that are being asked.
    due: BTreeSet<(Millis, PartitionId, MessageId)>,
    /// Questions under way, by whom they are put to.
    asking: HashMap<Name, usize>,
    /// Half messages that are asked about, and their bytes.
    open_count: usize,
    open_bytes: usize,
    /// Since the start.
    pub(crate) committed: u64,
    pub(crate) rolled_back: u64,
}

impl Checks {
    /// When the next question is due.
    pub(crate) fn wake(&self) -> Millis {
        self.due.first().map_or(Millis::MAX, |(due, ..)| *due)
    }
}

impl Engine {
    /// A half message is as it says.
    pub(crate) fn apply_prepare(&mut self, id: PartitionId, half: Half) {
        if let Owner::Plugin { scope, name } = &half.owner {
            let entry = codec::encode(&Entry::Open(half.clone()));
            let writes = [(wasmill_model::reserved::half(name), Some(entry.into()))];
            let lane = crate::lane::LaneId::Keyed(scope.clone());
            self.partition_mut(id).lane_mut(&lane).write(&writes);
        }
        let half = Arc::new(half);
        let known = self.close_half(id, half.id());
        let halves = &mut self.partition_mut(id).halves;
        if half.next_check.is_some() {
            halves.changed.set(half.id(), Some(half.clone()));
            return self.open_half(id, half);
        }
        if known {
            halves.changed.set(half.id(), None);
        }
        halves.abandoned.set(half.id(), Some(half));
    }

    /// Somebody decided.
    pub(crate) fn apply_decide(&mut self, id: PartitionId, half: MessageId, decision: Decision) {
        let known = self.close_half(id, half);
        let halves = &mut self.partition_mut(id).halves;
        match known {
            true => halves.changed.set(half, None),
            false => halves.abandoned.set(half, None),
        }
        if self.live {
            match decision {
                Decision::Commit => self.checks.committed += 1,
                Decision::RollBack => self.checks.rolled_back += 1,
            }
        }
    }

    /// Takes up a half message that is asked about.
    pub(crate) fn open_half(&mut self, id: PartitionId, half: Arc<Half>) {
        let Some(due) = half.next_check else { return };
        self.checks.due.insert((due, id, half.id()));
        self.checks.open_count += 1;
        self.checks.open_bytes += half.footprint();
        self.partition_mut(id).halves.open.insert(half.id(), half);
    }

    /// Forgets one that was asked about. False if there is none.
    fn close_half(&mut self, id: PartitionId, half: MessageId) -> bool {
        let Some(half) = self.partition_mut(id).halves.open.remove(&half) else {
            return false;
        };
        if let Some(due) = half.next_check {
            self.checks.due.remove(&(due, id, half.id()));
        }
        self.checks.open_count -= 1;
        self.checks.open_bytes -= half.footprint();
        true
    }

    /// How many half messages are asked about, and how many were committed and rolled back since
    /// the start.
    #[must_use]
    pub fn half_census(&self) -> (usize, u64, u64) {
        let checks = &self.checks;
        (checks.open_count, checks.committed, checks.rolled_back)
    }

    /// What marks a half message of a plugin as decided in its scope.
    fn mark_decided(half: &Half, decision: Decision) -> Option<Op> {
        let Owner::Plugin { scope, name } = &half.owner else {
            return None;
        };
        let entry = codec::encode(&Entry::Decided(decision));
        Some(Op::State {
            scope: scope.clone(),
            writes: vec![(wasmill_model::reserved::half(name), Some(entry.into()))],
        })
    }
}
