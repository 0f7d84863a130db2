//! The first part of a move: what waits is dropped.

use wasmill_model::{Millis, Name, Op, PartitionId};

use crate::backlog::Pending;
use crate::engine::{Engine, Stuck};
use crate::subscription::SubIndex;

/// Messages that one step drops.
const DROP_COUNT: usize = 1_024;

/// What a subscription has to drop in a partition.
struct Waiting {
    /// Messages in lanes that can be dropped now.
    found: Vec<(Option<Name>, u64)>,
    /// Whether there are others: they run, or lie out of memory, or are too many for one step.
    is_left: bool,
    stuck: Stuck,
}

/// What a look through all partitions came to.
#[derive(Default)]
struct Pass {
    dropped: usize,
    /// Whether there are others.
    is_left: bool,
    /// Where these do not come by themselves.
    stuck: Vec<Stuck>,
}

impl Engine {
    /// Drops some of the messages that waited when the move began, but for timers, which are their
    /// keys' own. Returns how many it dropped, or brought out of queues that do not move by
    /// themselves; none once there are no more. Those that run are waited for, and those behind
    /// more timers than memory is to hold, until some of these are handled.
    pub fn drop_waiting(&mut self, name: &Name, now: Millis) -> Option<usize> {
        let since = self.advance(now);
        let mut moving = self.moves.moving(name)?.clone();
        let mut pass = self.drop_in_lanes(name, &moving.dropped_before);
        let mut count = pass.dropped;
        if pass.dropped == 0 && !pass.stuck.is_empty() {
            let sub = self.sub(name);
            count = self.bring_out(sub, &pass.stuck);
            if count > 0 {
                // Before anything runs that was brought out only to be dropped.
                pass = self.drop_in_lanes(name, &moving.dropped_before);
            }
        }
        if count > 0 || pass.is_left {
            self.dispatch();
            return Some(count);
        }
        moving.dropped_before.clear();
        match moving.replay {
            Some(_) => self.note(name, self.begun(name), Some(moving)),
            None => self.note(name, since, None),
        }
        None
    }

    /// Drops messages that lanes hold and that do not run, of lower numbers than their partition's
    /// in `dropped_before`.
    fn drop_in_lanes(&mut self, name: &Name, dropped_before: &[u64]) -> Pass {
        let sub = self.sub(name);
        let mut pass = Pass::default();
        for (index, before) in (0..).zip(dropped_before.iter().copied()) {
            if pass.dropped >= DROP_COUNT {
                pass.is_left = true;
                break;
            }
            let id = PartitionId(index);
            let waiting = self.waiting_before(id, sub, before, DROP_COUNT - pass.dropped);
            pass.is_left |= waiting.is_left;
            if !waiting.stuck.is_empty() {
                pass.stuck.push(waiting.stuck);
            }
            let settle = |(key, seq)| Op::Settle {
                subscription: name.clone(),
                key,
                seq,
            };
            let ops: Vec<_> = waiting.found.into_iter().map(settle).collect();
            if !ops.is_empty() {
                pass.dropped += ops.len();
                self.commit(id, ops);
            }
        }
        pass
    }

    /// Looks through a partition for messages of a subscription that are to be dropped, at most
    /// `count_max` of them.
    fn waiting_before(
        &self,
        id: PartitionId,
        sub: SubIndex,
        before: u64,
        count_max: usize,
    ) -> Waiting {
        let partition = self.partition(id);
        let mut waiting = Waiting {
            found: Vec::new(),
            is_left: false,
            stuck: Stuck::new(id, before),
        };
        for (lane_id, lane) in &partition.lanes {
            let Some((_, track)) = lane.tracks.iter().find(|(index, _)| *index == sub) else {
                continue;
            };
            let running = lane.running.filter(|it| it.subscription == sub);
            let running = running.map_or(0, |it| it.count);
            let old = |pending: &&Pending| pending.seq < before;
            for (index, pending) in track.waiting.iter().take_while(old).enumerate() {
                if pending.message.timer.is_some() {
                    waiting.stuck.note_timer();
                } else if index < running || waiting.found.len() >= count_max {
                    waiting.is_left = true;
                } else {
                    waiting.found.push((pending.key.clone(), pending.seq));
                }
            }
            waiting.is_left |= waiting.stuck.note_track(lane_id, track);
        }
        if let Some(queue) = partition.queues.get(sub) {
            waiting.is_left |= waiting.stuck.note_queue(queue);
        }
        waiting
    }
}
