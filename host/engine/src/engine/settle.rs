//! The end of a run: each message's effects become a record, or its failure does.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use wasmill_model::effects::{Effects, Failure, FailureKind, Metered, Outcome};
use wasmill_model::record::{DeadLetter, Handled};
use wasmill_model::routes::OnExhausted;
use wasmill_model::{Decision, Half, MessageId, Millis, Op, PartitionId, reserved};

use super::{Engine, Ticket};
use crate::backlog::Pending;
use crate::lane::{LaneId, Parked};
use crate::subscription::SubIndex;

/// The longest delay that a plugin may choose: a longer one would be no retry.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// What becomes of a failed delivery.
enum Verdict {
    /// Again, at this time.
    Retry(Millis),
    /// Never again.
    Bury,
    /// Again soon, and it does not count.
    Postpone(Millis),
}

impl Engine {
    /// Takes the outcomes of a run, one for each message that was handled, in order. Messages
    /// without an outcome are handed back.
    pub fn complete(
        &mut self,
        ticket: &Ticket,
        outcomes: impl IntoIterator<Item: Into<Outcome>>,
        now: Millis,
    ) {
        self.advance(now);
        let id = ticket.partition;
        let Some(sub) = self.take_running(ticket) else {
            return;
        };
        for outcome in outcomes {
            let lanes = &mut self.partition_mut(id).lanes;
            let track = lanes
                .get_mut(&ticket.lane)
                .and_then(|lane| lane.existing_track(sub));
            let Some(pending) = track.and_then(|track| track.waiting.front().cloned()) else {
                break;
            };
            let Outcome { result, call, .. } = outcome.into();
            let handled = self.handled(sub, &pending, call);
            match result {
                // What it did stands on a half message about which somebody decided otherwise: it
                // is handed back, and sees that when it runs again.
                Ok(effects) if self.is_overruled(ticket, &effects) => break,
                Ok(effects) => self.commit_effects(ticket, sub, &pending, effects, handled),
                Err(failure) => {
                    self.fail(ticket, sub, pending, failure, handled);
                    break;
                }
            }
        }
        self.resume_lane(id, &ticket.lane);
        self.end_run(sub);
        self.list(id, ticket.lane.clone());
        self.dispatch();
    }

    fn take_running(&mut self, ticket: &Ticket) -> Option<SubIndex> {
        let lane = self
            .partition_mut(ticket.partition)
            .lanes
            .get_mut(&ticket.lane)?;
        let running = lane
            .running
            .take_if(|running| running.ticket == ticket.number)?;
        Some(running.subscription)
    }

    /// Whether a half message that a handler settled was settled otherwise during its run.
    fn is_overruled(&self, ticket: &Ticket, effects: &Effects) -> bool {
        if effects.settled.is_empty() {
            return false;
        }
        let decided = self.decided(ticket);
        let overruled = |(half, decision): &(Arc<Half>, Decision)| {
            let other = |(id, it): &(MessageId, Decision)| *id == half.id() && it != decision;
            decided.iter().any(other)
        };
        effects.settled.iter().any(overruled)
    }

    /// The half messages of a lane that were decided about during its run.
    fn decided(&self, ticket: &Ticket) -> &[(MessageId, Decision)] {
        let lane = self.partition(ticket.partition).lanes.get(&ticket.lane);
        lane.map_or(&[], |lane| &lane.decided)
    }

    /// What the record of a delivery says about it.
    fn handled(
        &self,
        sub: SubIndex,
        pending: &Pending,
        call: Option<Metered>,
    ) -> impl Iterator<Item = Op> + use<> {
        let sub = &self.subs[sub];
        let handled = Op::Handled(Handled {
            plugin: sub.plugin.as_ref().unwrap_or(&sub.name).clone(),
            attempt: pending.attempts + 1,
            call: call.map(|it| it.called),
        });
        iter::once(handled).chain(call.map(|it| Op::Used(it.used)))
    }

    fn commit_effects(
        &mut self,
        ticket: &Ticket,
        sub: SubIndex,
        done: &Pending,
        it: Effects,
        handled: impl Iterator<Item = Op>,
    ) {
        let Effects {
            sends,
            delayed,
            cancelled,
            writes,
            settled,
        } = it;
        let mut sends = sends;
        if ticket.generation != self.generation {
            // The handler sent by the routes that it began with; those in force now say who gets it.
            for send in &mut sends {
                *send = self.routes.fan_out(send.message.clone());
            }
        }
        let mut ops = Vec::with_capacity(4 + delayed.len() + cancelled.len() + sends.len());
        let subscription = self.subs[sub].name.clone();
        ops.push(Op::Settle {
            subscription,
            key: done.key.clone(),
            seq: done.seq,
        });
        ops.extend(handled);
        if !writes.is_empty()
            && let LaneId::Keyed(scope) = &ticket.lane
        {
            ops.push(Op::State {
                scope: scope.clone(),
                writes,
            });
        }
        ops.extend(cancelled.into_iter().map(Op::Undelay));
        ops.extend(delayed.into_iter().map(Op::Delay));
        for (half, decision) in settled {
            // Somebody may have decided the same during the run.
            if !self.decided(ticket).iter().any(|(id, _)| *id == half.id()) {
                sends.extend(self.decision_ops(&half, decision, &mut ops));
            }
        }
        self.commit_with_sends(ticket.partition, ops, sends);
    }

    fn fail(
        &mut self,
        ticket: &Ticket,
        sub: SubIndex,
        pending: Pending,
        failure: Failure,
        handled: impl Iterator<Item = Op>,
    ) {
        let attempts = pending.attempts + 1;
        match self.judge(sub, attempts, &failure) {
            Verdict::Retry(due) => {
                let subscription = self.subs[sub].name.clone();
                let Pending { key, seq, .. } = pending;
                let cause = failure.cause;
                let retry = Op::Retry {
                    subscription,
                    key,
                    seq,
                    attempts,
                    due,
                    cause,
                };
                let ops = iter::once(retry).chain(handled).collect();
                self.commit(ticket.partition, ops);
            }
            Verdict::Bury => {
                let pending = Pending {
                    attempts,
                    ..pending
                };
                let mut ops = self.burial(&ticket.lane, sub, pending, failure.cause);
                ops.extend(handled);
                self.commit_with_sends(ticket.partition, ops, []);
            }
            Verdict::Postpone(due) => {
                let lane = &ticket.lane;
                self.with_track(ticket.partition, lane, sub, |track| {
                    track.parked = Some(Parked {
                        due,
                        cause: failure.cause,
                    });
                });
                self.parked
                    .insert((due, ticket.partition, lane.clone(), sub));
            }
        }
    }

    fn judge(&self, sub: SubIndex, attempts: u32, failure: &Failure) -> Verdict {
        let Some(definition) = &self.subs[sub].definition else {
            return Verdict::Postpone(self.now + self.config.unavailable_delay);
        };
        let scheduled = definition.retry.after(attempts);
        let delay = match failure.kind {
            FailureKind::Unavailable => {
                return Verdict::Postpone(self.now + self.config.unavailable_delay);
            }
            FailureKind::Reject => None,
            FailureKind::Retry => scheduled,
            // A plugin chooses how long to wait, not how often to try.
            FailureKind::RetryAfter(delay) => {
                scheduled.map(|_: Duration| delay.min(RETRY_AFTER_MAX))
            }
        };
        match (delay, definition.on_exhausted) {
            (Some(delay), _) => Verdict::Retry(self.now + delay),
            (None, OnExhausted::DeadLetter) => Verdict::Bury,
            (None, OnExhausted::Halt) => Verdict::Retry(Millis::MAX),
        }
    }

    /// What makes a message a dead letter.
    pub(crate) fn burial(
        &self,
        lane: &LaneId,
        sub: SubIndex,
        pending: Pending,
        cause: String,
    ) -> Vec<Op> {
        let Pending {
            seq,
            key,
            attempts,
            message,
        } = pending;
        let mut ops = Vec::with_capacity(3);
        // A timer that is given up is pending no longer.
        if let (Some(timer), LaneId::Keyed(scope)) = (message.pending_timer(), lane) {
            let writes = vec![(reserved::timer(timer), None)];
            ops.push(Op::State {
                scope: scope.clone(),
                writes,
            });
        }
        let subscription = self.subs[sub].name.clone();
        let at = self.now;
        let letter = DeadLetter {
            seq,
            subscription,
            key,
            message,
            attempts,
            cause,
            at,
        };
        ops.push(Op::Bury(letter));
        ops
    }

    /// The run is over. Timers of the scope that fell due meanwhile, and that it did not cancel, are
    /// delivered now: before the lane's next run, which could hold them up again.
    fn resume_lane(&mut self, id: PartitionId, lane_id: &LaneId) {
        let partition = self.partition_mut(id);
        let Some(lane) = partition.lanes.get_mut(lane_id) else {
            return;
        };
        lane.decided.clear();
        for timer in std::mem::take(&mut lane.deferred) {
            if let Some(delayed) = self.partition(id).timers.deferred(timer).cloned() {
                self.fire(id, delayed);
            }
        }
    }
}
