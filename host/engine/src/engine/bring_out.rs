//! Queues that do not move by themselves, as what stands in front waits: what is to be dropped is
//! brought out of them all the same.
//!
//! A subscription that is moved drops what lies before its new position, but not its keys' timers.
//! One that is parked, or many that nobody serves, would hold up all that lies behind.

use wasmill_model::PartitionId;

use super::Engine;
use crate::backlog::{Pop, QueueId};
use crate::lane::{LaneId, Track};
use crate::partition::Partition;
use crate::subscription::SubIndex;

/// Messages that are brought out in one go.
const COUNT_MAX: usize = 1_024;

impl Engine {
    /// Brings messages of a subscription into its lanes, beyond what these hold otherwise, whose
    /// numbers are lower than their partition's in `before`. Returns how many: what lies in the
    /// view is asked for first.
    pub(crate) fn bring_out_before(&mut self, sub: SubIndex, before: &[u64]) -> usize {
        let mut count = 0;
        for (index, before) in (0..).zip(before.iter().copied()) {
            let id = PartitionId(index);
            for lane in stuck_lanes(self.partition(id), sub, before) {
                count += self.bring_out_of_key(id, &lane, sub, before, COUNT_MAX - count);
            }
            let is_passed = is_passed(self.partition(id), sub, before);
            if !is_passed && !self.partition_mut(id).queue(sub).has_room() {
                count += self.bring_out_of_backlog(id, sub, before, COUNT_MAX - count);
            }
        }
        count
    }

    fn bring_out_of_key(
        &mut self,
        id: PartitionId,
        lane: &LaneId,
        sub: SubIndex,
        before: u64,
        count_max: usize,
    ) -> usize {
        let LaneId::Keyed(scope) = lane else {
            return 0;
        };
        let key = scope.key.clone();
        for count in 0..count_max {
            match self.with_track(id, lane, sub, |track| track.overflow.pop()) {
                Pop::Message(pending) => {
                    let is_last = pending.seq >= before;
                    self.refill_one(id, lane, sub, pending);
                    if is_last {
                        return count;
                    }
                }
                Pop::Load(number) => {
                    self.load(id, sub, QueueId::Key(key), number);
                    return count;
                }
                Pop::Loading | Pop::Empty => return count,
            }
        }
        count_max
    }

    fn bring_out_of_backlog(
        &mut self,
        id: PartitionId,
        sub: SubIndex,
        before: u64,
        count_max: usize,
    ) -> usize {
        for count in 0..count_max {
            match self.partition_mut(id).queue(sub).backlog.pop() {
                Pop::Message(pending) => {
                    let is_last = pending.seq >= before;
                    self.partition_mut(id).dirty.queues.insert(sub);
                    self.place_amended(id, sub, pending);
                    if is_last {
                        return count;
                    }
                }
                Pop::Load(number) => {
                    self.load(id, sub, QueueId::Backlog, number);
                    return count;
                }
                Pop::Loading | Pop::Empty => return count,
            }
        }
        count_max
    }
}

/// Lanes whose first message of the subscription waits, with some out of memory behind it.
fn stuck_lanes(partition: &Partition, sub: SubIndex, before: u64) -> Vec<LaneId> {
    let is_stuck = |track: &Track| {
        track.parked.is_some()
            && !track.overflow.is_empty()
            && track.waiting.back().is_some_and(|it| it.seq < before)
    };
    let lanes = partition.lanes.iter();
    let stuck = lanes.filter(|(_, lane)| {
        let mut tracks = lane.tracks.iter();
        tracks.any(|(index, track)| *index == sub && is_stuck(track))
    });
    stuck.map(|(id, _)| id.clone()).collect()
}

/// Whether a lane has a message of the subscription from which on nothing is to be dropped: those
/// in the backlog came after it.
fn is_passed(partition: &Partition, sub: SubIndex, before: u64) -> bool {
    let lanes = partition.lanes.values();
    let mut tracks = lanes.flat_map(|lane| lane.tracks.iter());
    tracks.any(|(index, track)| {
        let last = track.waiting.back();
        *index == sub && last.is_some_and(|it| it.seq >= before)
    })
}
