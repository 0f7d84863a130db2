//! Checkpoints: what the view must hold so that recovery can begin after a block.
//!
//! Each partition has its own, so that one of all of them need not be taken at a stroke. A round
//! of all partitions moves the block on with which recovery begins; it skips the records that a
//! partition's own checkpoint covers already.

use std::collections::BTreeSet;
use std::ops::Range;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmill_model::{Millis, Name, PartitionId};

use crate::backlog::{BacklogMark, QueueId};
use crate::codec::encode;
use crate::engine::Engine;
use crate::expiry::Expiry;
use crate::lane::{Lane, LaneId, StoredTrack};
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

/// A checkpoint of some partitions, to be written once all blocks before `barrier` are durable.
#[derive(Debug)]
pub struct Checkpoint {
    /// How many blocks the log must hold first; for these partitions recovery will begin with
    /// block `barrier`.
    pub barrier: u64,
    /// The time of the last block before `barrier`. No recovery goes back behind it, as it may
    /// behind the engine's time: what was over then stays over, and may be deleted.
    pub sealed_at: Millis,
    /// The partitions.
    pub partitions: Range<u16>,
    /// To be written first, in any order and not atomically: applying the log to them again
    /// changes nothing.
    pub blind: Vec<Write>,
    /// How many claims of each partition are in `blind`.
    pub claimed: Vec<Claimed>,
    /// To be written last, atomically.
    pub atomic: Vec<Write>,
    /// Set if this completes a round of all partitions, and then a part of `atomic`: recovery will
    /// begin there once all is durable.
    pub completes: Option<Meta>,
}

/// How many claims a checkpoint writes: as many will be over one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// Producers' ids.
    pub by_producers: usize,
    /// Claims in keys' states.
    pub in_states: usize,
}

/// Where recovery begins, and the engine's time then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The first block that is not in the view.
    pub next_block: u64,
    /// Bytes of all blocks before it.
    pub log_bytes: u64,
    /// The engine's time.
    pub now: Millis,
}

/// The round of checkpoints under way, and the checkpoint that is being written.
#[derive(Debug, Default)]
pub(crate) struct Checkpoints {
    /// How things stood when the round began.
    began: Option<Meta>,
    /// The partition that comes next.
    next: u16,
    written: Range<u16>,
    /// Bytes of the log before the last round that is in the view, and before the round that the
    /// checkpoint being written completes.
    pub(crate) covered_bytes: u64,
    completes: Option<u64>,
    /// Lanes that wait for it to end, and the names of state that it covers.
    flushing: Vec<(PartitionId, LaneId, BTreeSet<Name>)>,
}

/// A subscription's queue in a partition, as a checkpoint keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredQueue {
    pub(crate) subscription: Name,
    pub(crate) backlog: BacklogMark,
    pub(crate) amendments: Vec<(u64, Amendment)>,
}

impl Engine {
    /// Begins a checkpoint of the next `count` partitions: of all that was committed to them and
    /// sealed so far. After the last partition comes the first, and another round begins.
    ///
    /// A partition at a time, so that nothing stands still for long. Must be called when nothing
    /// is unsealed, since recovery skips whole blocks, and not again before
    /// [`Engine::end_checkpoint`].
    ///
    /// # Panics
    /// If something is unsealed.
    pub fn begin_checkpoint(&mut self, count: u16) -> Checkpoint {
        assert!(!self.has_unsealed(), "blocks must be sealed first");
        let now = Meta {
            next_block: self.next_block,
            log_bytes: self.log_bytes,
            now: self.now,
        };
        let (first, all) = (self.checkpoints.next, self.config.partitions);
        let began = *self.checkpoints.began.get_or_insert(now);
        let end = first.saturating_add(count.max(1)).min(all);
        let mut checkpoint = Checkpoint {
            barrier: self.next_block,
            sealed_at: self.sealed_at,
            partitions: first..end,
            blind: Vec::new(),
            claimed: Vec::new(),
            atomic: Vec::new(),
            completes: (end == all).then_some(began),
        };
        for index in first..end {
            self.checkpoint_partition(PartitionId(index), &mut checkpoint);
        }
        self.checkpoints.written = first..end;
        self.checkpoints.next = end;
        if end == all {
            // A partition without changes since the round began has none in blocks before it.
            checkpoint.atomic.push(put(layout::META.to_vec(), &began));
            self.checkpoints.began = None;
            self.checkpoints.next = 0;
            self.checkpoints.completes = Some(began.log_bytes);
        }
        checkpoint
    }

    /// The checkpoint is in the view: what it holds need not be held in memory.
    pub fn end_checkpoint(&mut self) {
        for (id, lane_id, names) in std::mem::take(&mut self.checkpoints.flushing) {
            let partition = self.partition_mut(id);
            if let Some(lane) = partition.lanes.get_mut(&lane_id) {
                lane.forget(&names);
                lane.end_checkpoint();
            }
            partition.release(&lane_id);
        }
        for index in std::mem::take(&mut self.checkpoints.written) {
            let partition = self.partition_mut(PartitionId(index));
            partition.timers.end_checkpoint();
            partition.claims.end_checkpoint();
            partition.dead_letters.end_checkpoint();
            partition.halves.end_checkpoint();
        }
        if let Some(bytes) = self.checkpoints.completes.take() {
            self.checkpoints.covered_bytes = bytes;
            // Runs may have waited for it.
            self.dispatch();
        }
    }

    fn checkpoint_partition(&mut self, id: PartitionId, into: &mut Checkpoint) {
        self.checkpoint_entries(id, into);
        let dirty = std::mem::take(&mut self.partition_mut(id).dirty);
        let changed = dirty.any || !dirty.lanes.is_empty() || !dirty.queues.is_empty();
        for lane_id in dirty.lanes {
            self.checkpoint_lane(id, lane_id, into);
        }
        for sub in dirty.queues {
            self.checkpoint_queue(id, sub, into);
        }
        for name in dirty.positions {
            let position = self.moves.position(&name).map(encode);
            into.atomic.push(Write {
                key: layout::position(id, &name),
                value: position.map(Into::into),
            });
        }
        for (name, runs) in self.changed_schedules(id) {
            let place = layout::schedule(id, &name);
            into.atomic.push(match runs {
                Some(runs) => put(place, &(name, runs)),
                None => delete(place),
            });
        }
        if changed {
            let counters = &mut self.partition_mut(id).counters;
            counters.next_block = into.barrier;
            into.atomic.push(put(layout::partition(id), counters));
        }
    }

    /// Timers, claims, dead letters and half messages.
    fn checkpoint_entries(&mut self, id: PartitionId, into: &mut Checkpoint) {
        let partition = self.partition_mut(id);
        let (set, gone) = partition.timers.begin_checkpoint();
        into.blind.extend(
            set.iter()
                .map(|it| put(layout::timer(id, it.reference()), it)),
        );
        into.blind
            .extend(gone.into_iter().map(|it| delete(layout::timer(id, it))));
        let others = into.blind.len();
        let claims = partition.claims.begin_checkpoint();
        into.blind.extend(claims.map(|(hash, claim)| Write {
            key: layout::claim(id, *hash),
            value: claim.map(|claim| encode(claim).into()),
        }));
        into.claimed.push(Claimed {
            by_producers: into.blind.len() - others,
            in_states: 0,
        });
        let letters = partition.dead_letters.begin_checkpoint();
        into.blind
            .extend(letters.map(|((subscription, seq), letter)| Write {
                key: layout::dead(id, subscription, *seq),
                value: letter.map(|letter| encode(letter).into()),
            }));
        into.blind.extend(partition.halves.begin_checkpoint(id));
    }

    fn checkpoint_lane(&mut self, id: PartitionId, lane_id: LaneId, into: &mut Checkpoint) {
        let Some(lane) = self.partition_mut(id).lanes.get_mut(&lane_id) else {
            return;
        };
        let names = std::mem::take(&mut lane.dirty);
        if let LaneId::Keyed(scope) = &lane_id {
            for name in &names {
                let key = layout::state(id, scope, name);
                let value = lane.recent.get(name).cloned().flatten();
                let expiry = Expiry::of(id, name, &key, value.as_ref());
                let claimed = into.claimed.last_mut().expect("of this partition");
                claimed.in_states += usize::from(expiry.is_some());
                into.blind.extend(expiry);
                into.blind.push(Write { key, value });
            }
        }
        let subs: Vec<SubIndex> = lane.tracks.iter().map(|(index, _)| *index).collect();
        for sub in subs {
            self.checkpoint_track(id, &lane_id, sub, into);
        }
        let lanes = &self.partition(id).lanes;
        let leaving = |lane: &Lane| lane.tracks.iter().any(|(_, track)| track.leaving);
        match names.is_empty() && !lanes.get(&lane_id).is_some_and(leaving) {
            true => self.partition_mut(id).release(&lane_id),
            false => self.checkpoints.flushing.push((id, lane_id, names)),
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
            track.leaving = true;
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
