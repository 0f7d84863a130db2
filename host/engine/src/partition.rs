//! A partition: the state that one order of commits amounts to.

use std::collections::{BTreeSet, HashMap, HashSet};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use wasmill_model::record::DeadLetter;
use wasmill_model::{Claim, Millis, Name, PartitionId};

use crate::backlog::Backlog;
use crate::channels::Channels;
use crate::halves::Halves;
use crate::lane::{Lane, LaneId};
use crate::overlay::Overlay;
use crate::subscription::SubIndex;
use crate::timers::Timers;

/// Messages of a subscription that a partition gives to lanes at once; the rest stay in the
/// backlog. Parked ones do not count.
const ASSIGNED_COUNT_MAX: usize = 128;

/// Keys of a subscription that a partition parks in memory. Beyond, the backlog waits until one
/// of them goes on: when every message fails, memory stays bounded.
const PARKED_COUNT_MAX: usize = 1_024;

/// What became of a message that recovery finds in a page after its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Amendment {
    /// It is done with.
    Settled,
    /// It failed and waits.
    Failed {
        attempts: u32,
        due: Millis,
        cause: String,
    },
}

impl Amendment {
    pub(crate) fn is_settled(&self) -> bool {
        *self == Self::Settled
    }
}

/// One subscription's queue in a partition.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Messages not yet given to lanes.
    pub(crate) backlog: Backlog,
    /// Messages given to lanes, parked ones and overflows aside.
    pub(crate) assigned: usize,
    /// Tracks that are parked.
    pub(crate) parked: usize,
    /// What recovery learnt about messages that lie in pages.
    pub(crate) amendments: HashMap<u64, Amendment>,
}

/// Counters of a partition, as a checkpoint keeps them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// The view holds what the records of blocks before this one did to the partition.
    pub(crate) next_block: u64,
    /// The position of the next record.
    pub(crate) position: u64,
    /// The number of the next message.
    pub(crate) seq: u64,
    /// Channels to other partitions.
    pub(crate) channels: Channels,
}

/// One partition.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) id: PartitionId,
    pub(crate) counters: Counters,
    pub(crate) lanes: FxHashMap<LaneId, Lane>,
    /// By the subscription's index.
    pub(crate) queues: Vec<Queue>,
    pub(crate) timers: Timers,
    /// Producers' ids, by their hash.
    pub(crate) claims: Overlay<u128, Claim>,
    /// By subscription and the message's number.
    pub(crate) dead_letters: Overlay<(Name, u64), DeadLetter>,
    pub(crate) halves: Halves,
    /// Changed since the last checkpoint began.
    pub(crate) dirty: Dirty,
}

/// What a checkpoint must look at.
#[derive(Debug, Default)]
pub(crate) struct Dirty {
    pub(crate) any: bool,
    pub(crate) lanes: HashSet<LaneId, rustc_hash::FxBuildHasher>,
    pub(crate) queues: BTreeSet<SubIndex>,
    /// Subscriptions whose positions are kept here.
    pub(crate) positions: BTreeSet<Name>,
}

impl Queue {
    /// Whether another message may be given to a lane.
    pub(crate) fn has_room(&self) -> bool {
        self.assigned < ASSIGNED_COUNT_MAX && self.parked < PARKED_COUNT_MAX
    }
}

impl Partition {
    pub(crate) fn new(id: PartitionId) -> Self {
        Self {
            id,
            counters: Counters::default(),
            lanes: FxHashMap::default(),
            queues: Vec::new(),
            timers: Timers::new(id),
            claims: Overlay::default(),
            dead_letters: Overlay::default(),
            halves: Halves::default(),
            dirty: Dirty::default(),
        }
    }

    /// The queue of a subscription.
    pub(crate) fn queue(&mut self, subscription: SubIndex) -> &mut Queue {
        if self.queues.len() <= subscription {
            self.queues.resize_with(subscription + 1, Queue::default);
        }
        &mut self.queues[subscription]
    }

    /// A lane, to be changed: the next checkpoint looks at it.
    pub(crate) fn lane_mut(&mut self, id: &LaneId) -> &mut Lane {
        if !self.dirty.lanes.contains(id) {
            self.dirty.lanes.insert(id.clone());
        }
        if !self.lanes.contains_key(id) {
            self.lanes.insert(id.clone(), Lane::default());
        }
        self.lanes.get_mut(id).expect("just inserted")
    }

    /// Forgets a lane that holds nothing.
    pub(crate) fn release(&mut self, id: &LaneId) {
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.drop_empty_tracks();
            if lane.is_idle() {
                self.lanes.remove(id);
            }
        }
    }
}
