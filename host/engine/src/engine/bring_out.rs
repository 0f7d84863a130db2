//! Queues that do not move by themselves, as what stands in front waits: what is to be dropped is
//! brought out of them all the same.
//!
//! A subscription that is moved drops what lies before its new position, but not its keys' timers.
//! One that is parked, or many that nobody serves, would hold up all that lies behind. Timers that
//! are brought out stay in memory, beyond the bounds of lanes, so they have a bound of their own:
//! where it is reached, the rest waits until some of them are handled.

use wasmill_model::PartitionId;

use super::Engine;
use super::queues::is_blocked;
use crate::backlog::{Pending, Pop, QueueId};
use crate::lane::{LaneId, Track};
use crate::partition::Queue;
use crate::subscription::SubIndex;

/// Messages that are brought out in one go.
const COUNT_MAX: usize = 1_024;

/// Timers of a subscription that a partition may have in lanes when more is brought out.
const TIMERS_MAX: usize = 1_024;

/// The queues of a subscription in a partition that hold something to be dropped, and do not move
/// by themselves.
#[derive(Debug)]
pub(crate) struct Stuck {
    partition: PartitionId,
    /// Messages of lower numbers are to be dropped.
    before: u64,
    lanes: Vec<LaneId>,
    backlog: bool,
    /// Timers among the messages of lower numbers that lanes hold already.
    timers: usize,
}

/// How much more may be brought out.
struct Room {
    messages: usize,
    timers: usize,
}

impl Stuck {
    /// Nothing of the partition yet.
    pub(crate) fn new(partition: PartitionId, before: u64) -> Self {
        Self {
            partition,
            before,
            lanes: Vec::new(),
            backlog: false,
            timers: 0,
        }
    }

    /// Whether everything moves by itself, or is past what is to be dropped.
    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty() && !self.backlog
    }

    /// A lane holds a timer that stays.
    pub(crate) fn note_timer(&mut self) {
        self.timers += 1;
    }

    /// Looks at a lane's track. True if something to be dropped may lie out of memory behind it.
    pub(crate) fn note_track(&mut self, lane: &LaneId, track: &Track) -> bool {
        // They come in their order: behind a later one there is no earlier one.
        let last = track.waiting.back();
        let is_past = last.is_some_and(|it| it.seq >= self.before);
        if is_past || track.overflow.is_past(self.before) {
            return false;
        }
        if is_blocked(track) {
            self.lanes.push(lane.clone());
        }
        true
    }

    /// Looks at the partition's queue. True if something to be dropped may lie in its backlog.
    pub(crate) fn note_queue(&mut self, queue: &Queue) -> bool {
        let is_left = !queue.backlog.is_past(self.before);
        self.backlog = is_left && !queue.has_room();
        is_left
    }
}

impl Room {
    fn is_left(&self) -> bool {
        self.messages > 0 && self.timers > 0
    }

    fn take(&mut self, message: &Pending) {
        self.messages -= 1;
        self.timers -= usize::from(message.message.timer.is_some());
    }
}

impl Engine {
    /// Brings messages of a subscription that are to be dropped into its lanes, beyond what these
    /// hold otherwise. Returns how many: what lies in the view is asked for first.
    pub(crate) fn bring_out(&mut self, sub: SubIndex, stuck: &[Stuck]) -> usize {
        let mut messages = COUNT_MAX;
        for it in stuck {
            let timers = TIMERS_MAX.saturating_sub(it.timers);
            let mut room = Room { messages, timers };
            for lane in &it.lanes {
                self.bring_out_of_key(it, lane, sub, &mut room);
            }
            if it.backlog {
                self.bring_out_of_backlog(it, sub, &mut room);
            }
            messages = room.messages;
        }
        COUNT_MAX - messages
    }

    fn bring_out_of_key(&mut self, from: &Stuck, lane: &LaneId, sub: SubIndex, room: &mut Room) {
        let LaneId::Keyed(scope) = lane else {
            return;
        };
        let (id, before) = (from.partition, from.before);
        while room.is_left() {
            match self.with_track(id, lane, sub, |track| track.overflow.pop_before(before)) {
                Pop::Message(pending) => {
                    room.take(&pending);
                    self.refill_one(id, lane, sub, pending);
                }
                Pop::Load(number) => {
                    return self.load(id, sub, QueueId::Key(scope.key.clone()), number);
                }
                Pop::Loading | Pop::Empty => return,
            }
        }
    }

    fn bring_out_of_backlog(&mut self, from: &Stuck, sub: SubIndex, room: &mut Room) {
        let (id, before) = (from.partition, from.before);
        while room.is_left() {
            match self.partition_mut(id).queue(sub).backlog.pop_before(before) {
                Pop::Message(pending) => {
                    room.take(&pending);
                    self.partition_mut(id).dirty.queues.insert(sub);
                    self.place_amended(id, sub, pending);
                }
                Pop::Load(number) => return self.load(id, sub, QueueId::Backlog, number),
                Pop::Loading | Pop::Empty => return,
            }
        }
    }
}
