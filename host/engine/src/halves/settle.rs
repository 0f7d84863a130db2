//! Settling: the first decision stands, and whoever comes later is told of it.

use std::sync::Arc;

use wasmill_model::effects::{Delayed, Send};
use wasmill_model::half::{DECISION_KEPT, Owner};
use wasmill_model::{Claim, Decision, Half, Message, MessageId, Millis, Op, PartitionId};

use super::HalfId;
use crate::codec::{self, DecodeError};
use crate::engine::Engine;
use crate::lane::LaneId;
use crate::layout;

/// What became of a half message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The decision that stands.
    pub decision: Decision,
    /// Whether it was decided before.
    pub before: bool,
}

/// What the view has of a half message that is not asked about, read since its partition's last
/// checkpoint ended.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The half message, if it is abandoned.
    pub abandoned: Option<Half>,
    /// What was decided.
    pub decided: Option<Claim>,
}

/// Where the view remembers what was decided.
#[must_use]
pub fn kept(id: HalfId) -> Vec<u8> {
    layout::claim(id.partition, claim_id(id.message))
}

/// Reads a half message of the view.
///
/// # Errors
/// [`DecodeError`] if it does not read back.
pub fn read(value: &[u8]) -> Result<Half, DecodeError> {
    codec::decode(value)
}

impl Engine {
    /// Settles a half message for its producer, or for an operator. None, and nothing has changed,
    /// if there is none, or it was settled so long ago that the decision is forgotten.
    pub fn settle_half(
        &mut self,
        id: HalfId,
        kept: &Kept,
        decision: Decision,
        now: Millis,
    ) -> Option<Settled> {
        self.advance(now);
        if let Some(half) = self.half(id, kept) {
            self.decide(id.partition, &half, decision);
            self.dispatch();
            let before = false;
            return Some(Settled { decision, before });
        }
        let decision = self.decision(id, kept)?;
        let before = true;
        Some(Settled { decision, before })
    }

    /// A half message that is not settled.
    #[must_use]
    pub fn half(&self, id: HalfId, kept: &Kept) -> Option<Arc<Half>> {
        let halves = &self.partition(id.partition).halves;
        if let Some(half) = halves.open.get(&id.message) {
            return Some(half.clone());
        }
        match halves.abandoned.get(&id.message) {
            Some(newer) => newer.cloned(),
            None => kept.abandoned.clone().map(Arc::new),
        }
    }

    /// What was decided about a half message.
    #[must_use]
    pub fn decision(&self, id: HalfId, kept: &Kept) -> Option<Decision> {
        let newer = self
            .partition(id.partition)
            .claims
            .get(&claim_id(id.message));
        let claim = newer.unwrap_or(kept.decided.as_ref())?;
        let decision = match claim.content {
            0 => Decision::RollBack,
            _ => Decision::Commit,
        };
        (claim.expires > self.now).then_some(decision)
    }

    /// Those of a partition that are asked about, and those that are abandoned and newer than the
    /// view: none is one that is gone.
    #[must_use]
    pub fn recent_halves(&self, partition: PartitionId) -> Vec<(MessageId, Option<Arc<Half>>)> {
        let halves = &self.partition(partition).halves;
        let open = halves
            .open
            .values()
            .map(|half| (half.id(), Some(half.clone())));
        let abandoned = halves.abandoned.range(..);
        let abandoned = abandoned.map(|(id, half)| (*id, half.cloned()));
        open.chain(abandoned).collect()
    }

    /// Decides about a half message whose owner does not do it in a handler's commit.
    pub(super) fn decide(&mut self, partition: PartitionId, half: &Half, decision: Decision) {
        let mut ops = Vec::with_capacity(4);
        ops.extend(Self::mark_decided(half, decision));
        let send = self.decision_ops(half, decision, &mut ops);
        if let Owner::Plugin { scope, .. } = &half.owner {
            let lane = self
                .partition_mut(partition)
                .lane_mut(&LaneId::Keyed(scope.clone()));
            if lane.running.is_some() {
                lane.decided.push((half.id(), decision));
            }
        }
        self.commit_with_sends(partition, ops, send);
    }

    /// The operations of a decision; what they send with the record is returned.
    pub(crate) fn decision_ops(
        &self,
        half: &Half,
        decision: Decision,
        ops: &mut Vec<Op>,
    ) -> Option<Send> {
        let now = self.now;
        ops.push(Op::Decide {
            half: half.id(),
            decision,
        });
        ops.push(Op::Claim(Claim {
            id: claim_id(half.id()),
            content: match decision {
                Decision::RollBack => 0,
                Decision::Commit => 1,
            },
            message: half.id(),
            expires: now + DECISION_KEPT,
        }));
        if decision == Decision::RollBack {
            return None;
        }
        let due = half.deliver.due(now);
        let message = Arc::new(Message {
            produced_at: due.unwrap_or(now),
            ..Message::clone(&half.message)
        });
        match due {
            None => Some(self.routes().fan_out(message)),
            Some(due) => {
                let scope = None;
                ops.push(Op::Delay(Delayed {
                    due,
                    message,
                    scope,
                }));
                None
            }
        }
    }
}

/// Under what a decision is remembered among the producers' ids: no hash of theirs is likely to
/// meet it.
fn claim_id(half: MessageId) -> u128 {
    half.prepared("", "decision").0
}
