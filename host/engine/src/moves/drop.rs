//! The first part of a move: what waits is dropped.

use wasmill_model::{Millis, Name, Op, PartitionId};

use crate::backlog::Pending;
use crate::engine::Engine;
use crate::subscription::SubIndex;

/// Messages that one step drops.
const DROP_COUNT: usize = 1_024;

/// Messages to be dropped: those in lanes, and whether there are more to come.
#[derive(Default)]
struct Waiting {
    found: Vec<(Option<Name>, u64)>,
    is_left: bool,
}

impl Engine {
    /// Drops some of the messages that waited when the move began, but for timers, which are their
    /// keys' own. Returns how many it dropped, or brought out of queues that do not move by
    /// themselves to be dropped next; none once there are no more. Those that run are waited for.
    pub fn drop_waiting(&mut self, name: &Name, now: Millis) -> Option<usize> {
        let since = self.advance(now);
        let mut moving = self.moves.moving(name)?.clone();
        let sub = self.sub(name);
        let (mut dropped, mut is_left) = (0, false);
        for (index, before) in (0..).zip(moving.dropped_before.iter().copied()) {
            let id = PartitionId(index);
            let waiting = self.waiting_before(id, sub, before);
            is_left |= waiting.is_left;
            let room = DROP_COUNT - dropped;
            is_left |= waiting.found.len() > room;
            let settle = |(key, seq)| Op::Settle {
                subscription: name.clone(),
                key,
                seq,
            };
            let ops: Vec<_> = waiting.found.into_iter().take(room).map(settle).collect();
            if !ops.is_empty() {
                dropped += ops.len();
                self.commit(id, ops);
            }
        }
        if dropped == 0 && is_left {
            dropped = self.bring_out_before(sub, &moving.dropped_before);
        }
        if dropped > 0 || is_left {
            self.dispatch();
            return Some(dropped);
        }
        moving.dropped_before.clear();
        match moving.replay {
            Some(_) => self.note(name, self.begun(name), Some(moving)),
            None => self.note(name, since, None),
        }
        None
    }

    /// The messages of a subscription in a partition that are to be dropped.
    fn waiting_before(&self, id: PartitionId, sub: SubIndex, before: u64) -> Waiting {
        let partition = self.partition(id);
        let (mut waiting, mut is_passed) = (Waiting::default(), false);
        for lane in partition.lanes.values() {
            let Some((_, track)) = lane.tracks.iter().find(|(index, _)| *index == sub) else {
                continue;
            };
            let running = lane.running.filter(|it| it.subscription == sub);
            let running = running.map_or(0, |it| it.count);
            let old = |pending: &&Pending| pending.seq < before;
            for (index, pending) in track.waiting.iter().take_while(old).enumerate() {
                if pending.message.timer.is_some() {
                    continue;
                }
                match index < running {
                    true => waiting.is_left = true,
                    false => waiting.found.push((pending.key.clone(), pending.seq)),
                }
            }
            // They come in their order: behind a later one there is no earlier one.
            let is_beyond = track.waiting.back().is_some_and(|it| it.seq >= before);
            waiting.is_left |= !track.overflow.is_empty() && !is_beyond;
            is_passed |= is_beyond;
        }
        let queue = partition.queues.get(sub);
        let has_more = queue.is_some_and(|queue| !queue.backlog.is_empty());
        waiting.is_left |= has_more && !is_passed;
        waiting
    }
}
