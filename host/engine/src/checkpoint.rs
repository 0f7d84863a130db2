//! Checkpoints: what the view must hold so that recovery can begin after a block.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmill_model::{Millis, Name, PartitionId};

use crate::backlog::{BacklogMark, QueueId};
use crate::codec::encode;
use crate::engine::Engine;
use crate::lane::{LaneId, StoredTrack};
use crate::layout;
use crate::partition::Amendment;
use crate::subscription::SubIndex;

/// One blind write to the view: none deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Option<Bytes>,
}

/// A checkpoint, to be written once all blocks before `barrier` are durable.
#[derive(Debug)]
pub struct Checkpoint {
    /// How many blocks the log must hold first; recovery will begin with block `barrier`.
    pub barrier: u64,
    /// To be written first, in any order and not atomically: applying the log to them again
    /// changes nothing.
    pub blind: Vec<Write>,
    /// To be written last, atomically.
    pub atomic: Vec<Write>,
}

/// Where recovery begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Meta {
    /// The first block that is not in the view.
    pub(crate) next_block: u64,
    /// Bytes of all blocks before it.
    pub(crate) log_bytes: u64,
    /// The engine's time.
    pub(crate) now: Millis,
}

/// A subscription's queue in a partition, as a checkpoint keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredQueue {
    pub(crate) subscription: Name,
    pub(crate) backlog: BacklogMark,
    pub(crate) amendments: Vec<(u64, Amendment)>,
}

impl Engine {
    /// Begins a checkpoint of everything committed and sealed so far. Must be called when no
    /// block is under construction, and not again before [`Engine::end_checkpoint`].
    ///
    /// # Panics
    /// If a block is under construction.
    pub fn begin_checkpoint(&mut self) -> Checkpoint {
        assert_eq!(
            self.barrier(),
            self.next_block,
            "the block must be sealed first"
        );
        let mut checkpoint = Checkpoint {
            barrier: self.next_block,
            blind: Vec::new(),
            atomic: Vec::new(),
        };
        for index in 0..self.config.partitions {
            self.checkpoint_partition(PartitionId(index), &mut checkpoint);
        }
        let meta = Meta {
            next_block: self.next_block,
            log_bytes: self.log_bytes,
            now: self.now,
        };
        checkpoint.atomic.push(put(layout::META.to_vec(), &meta));
        checkpoint
    }

    /// The checkpoint is in the view: what it holds need not be held in memory.
    pub fn end_checkpoint(&mut self) {
        for (id, lane_id, names) in std::mem::take(&mut self.flushing) {
            let partition = self.partition_mut(id);
            if let Some(lane) = partition.lanes.get_mut(&lane_id) {
                lane.forget(&names);
            }
            partition.release(&lane_id);
        }
        for partition in &mut self.partitions {
            partition.timers.end_checkpoint();
        }
    }

    fn checkpoint_partition(&mut self, id: PartitionId, into: &mut Checkpoint) {
        self.checkpoint_timers_and_claims(id, into);
        let dirty = std::mem::take(&mut self.partition_mut(id).dirty);
        for letter in &dirty.dead {
            into.blind.push(put(
                layout::dead(id, &letter.subscription, letter.seq),
                letter,
            ));
        }
        for lane_id in dirty.lanes {
            self.checkpoint_lane(id, lane_id, into);
        }
        for sub in dirty.queues {
            self.checkpoint_queue(id, sub, into);
        }
        if dirty.any {
            into.atomic
                .push(put(layout::partition(id), &self.partition(id).counters));
        }
    }

    fn checkpoint_timers_and_claims(&mut self, id: PartitionId, into: &mut Checkpoint) {
        let partition = self.partition_mut(id);
        let (set, gone) = partition.timers.begin_checkpoint();
        into.blind.extend(
            set.iter()
                .map(|it| put(layout::timer(id, it.reference()), it)),
        );
        into.blind
            .extend(gone.into_iter().map(|it| delete(layout::timer(id, it))));
        let (claimed, expired) = partition.claims.take_changes();
        let key = |expires, claim| layout::claim(id, expires, claim);
        into.blind.extend(
            claimed
                .iter()
                .map(|claim| put(key(claim.expires, claim.id), claim)),
        );
        into.blind.extend(
            expired
                .into_iter()
                .map(|(expires, claim)| delete(key(expires, claim))),
        );
    }

    fn checkpoint_lane(&mut self, id: PartitionId, lane_id: LaneId, into: &mut Checkpoint) {
        let Some(lane) = self.partition_mut(id).lanes.get_mut(&lane_id) else {
            return;
        };
        let names = std::mem::take(&mut lane.dirty);
        if let LaneId::Keyed(scope) = &lane_id {
            into.blind.extend(names.iter().map(|name| Write {
                key: layout::state(id, scope, name),
                value: lane.recent.get(name).cloned().flatten(),
            }));
        }
        let subs: Vec<SubIndex> = lane.tracks.iter().map(|(index, _)| *index).collect();
        for sub in subs {
            self.checkpoint_track(id, &lane_id, sub, into);
        }
        match names.is_empty() {
            true => self.partition_mut(id).release(&lane_id),
            false => self.flushing.push((id, lane_id, names)),
        }
    }

    fn checkpoint_track(
        &mut self,
        id: PartitionId,
        lane_id: &LaneId,
        sub: SubIndex,
        into: &mut Checkpoint,
    ) {
        let subscription = self.subs[sub].name.clone();
        let (key, seq) = match lane_id {
            LaneId::Keyed(scope) => (Some(scope.key.clone()), 0),
            LaneId::Loose(_, seq) => (None, *seq),
        };
        let lanes = &mut self.partition_mut(id).lanes;
        let Some(track) = lanes
            .get_mut(lane_id)
            .and_then(|lane| lane.existing_track(sub))
        else {
            return;
        };
        let (overflow, pages) = track.overflow.checkpoint();
        let trimmed = track.overflow.trim(overflow);
        let place = layout::track(id, &subscription, key.as_deref(), seq);
        let was_stored = track.stored;
        track.stored = !track.is_empty();
        if track.stored {
            let waiting = track.waiting.iter().cloned().collect();
            let parked = track.parked.clone();
            let (subscription, key) = (subscription.clone(), key.clone());
            let track = StoredTrack {
                subscription,
                key,
                waiting,
                overflow,
                parked,
            };
            into.atomic.push(put(place, &track));
        } else if was_stored {
            into.atomic.push(delete(place));
        }
        if let Some(key) = key {
            let queue = QueueId::Key(key);
            let deleted = trimmed.map(|page| delete(layout::page(id, &subscription, &queue, page)));
            into.atomic.extend(deleted);
            self.write_pages(id, sub, &queue, pages);
        }
    }

    fn checkpoint_queue(&mut self, id: PartitionId, sub: SubIndex, into: &mut Checkpoint) {
        let subscription = self.subs[sub].name.clone();
        let queue = self.partition_mut(id).queue(sub);
        let (backlog, pages) = queue.backlog.checkpoint();
        let trimmed = queue.backlog.trim(backlog);
        let amendments = queue
            .amendments
            .iter()
            .map(|(seq, it)| (*seq, it.clone()))
            .collect();
        let page = |number| layout::page(id, &subscription, &QueueId::Backlog, number);
        into.atomic
            .extend(trimmed.map(|number| delete(page(number))));
        let place = layout::backlog(id, &subscription);
        into.atomic.push(put(
            place,
            &StoredQueue {
                subscription,
                backlog,
                amendments,
            },
        ));
        self.write_pages(id, sub, &QueueId::Backlog, pages);
    }
}

fn put<T: Serialize>(key: Vec<u8>, value: &T) -> Write {
    Write {
        key,
        value: Some(encode(value).into()),
    }
}

fn delete(key: Vec<u8>) -> Write {
    Write { key, value: None }
}
