//! What waits, as the view has it.

use std::collections::{BTreeMap, HashMap};

use wasmill_model::effects::Delayed;
use wasmill_model::half::Owner;
use wasmill_model::record::DeadLetter;
use wasmill_model::{Half, Name, PartitionId};

use super::{Parking, Slot, Waiting, Waits};
use crate::backlog::{BacklogMark, Pending, QueueId};
use crate::checkpoint::{Meta, StoredQueue};
use crate::codec::{self, DecodeError};
use crate::lane::{Parked, StoredTrack};
use crate::layout;
use crate::partition::{Amendment, Counters};

/// How far the view was read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The block with which recovery would begin.
    next_block: u64,
    /// Which blocks each partition's entries have at least.
    partitions: HashMap<PartitionId, u64>,
    /// The queues of the partition that is being read.
    queues: HashMap<Name, Queue>,
    /// Its tracks of which pages were read, by their keys in the view.
    paged: HashMap<Vec<u8>, (Name, Name)>,
}

#[derive(Debug)]
struct Queue {
    mark: BacklogMark,
    amendments: BTreeMap<u64, Amendment>,
}

impl Waiting {
    /// Begins with the view's [`layout::META`] entry, which must be read before all others.
    ///
    /// # Errors
    /// [`DecodeError`] if it does not read back.
    pub fn begin(&mut self, meta: Option<&[u8]>) -> Result<(), DecodeError> {
        if let Some(meta) = meta {
            self.reading.next_block = codec::decode::<Meta>(meta)?.next_block;
        }
        Ok(())
    }

    /// The prefixes of a partition's entries that [`Waiting::take`] wants, in this order: a message
    /// moves from its subscription's pages into its key's, and from there into its track, without a
    /// record. Read in this order it is met, whatever checkpoints come between.
    #[must_use]
    pub fn prefixes(id: PartitionId) -> Vec<Vec<u8>> {
        let kinds = [
            layout::PARTITION,
            layout::BACKLOG,
            layout::PAGE,
            layout::TRACK,
            layout::TIMER,
            layout::DEAD,
            layout::HALF,
            layout::ABANDONED,
        ];
        kinds.map(|kind| layout::of_kind(kind, id)).into()
    }

    /// Takes an entry of the view.
    ///
    /// # Errors
    /// [`DecodeError`] if it does not read back.
    pub fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), DecodeError> {
        let id = layout::partition_of(key).ok_or(DecodeError::Short)?;
        let passes = self.sought.passes(value);
        match key[0] {
            layout::PARTITION => {
                let Counters { next_block, .. } = codec::decode(value)?;
                self.reading.partitions.insert(id, next_block);
            }
            layout::BACKLOG => self.reading.queue(codec::decode(value)?),
            layout::PAGE if passes => self.take_page(id, key, codec::decode(value)?)?,
            layout::TRACK if passes || self.reading.paged.contains_key(key) => {
                self.take_track(id, key, codec::decode(value)?);
            }
            layout::TIMER if passes => self.delayed(id, &codec::decode(value)?),
            layout::DEAD if passes => self.dead(id, &codec::decode(value)?),
            layout::HALF | layout::ABANDONED if passes => self.half(id, &codec::decode(value)?),
            _ => {}
        }
        Ok(())
    }

    /// All entries of a partition were read.
    pub fn end_partition(&mut self, id: PartitionId) {
        for (subscription, key) in std::mem::take(&mut self.reading.paged).into_values() {
            // Its track is gone: all of it left the pages.
            self.leave(id, &subscription, &key, |_, _| false);
        }
        self.reading.queues.clear();
    }

    /// The first block whose records are wanted.
    #[must_use]
    pub fn next_block(&self) -> u64 {
        self.reading.next_block
    }

    /// Whether the entries of a partition may be older than this block.
    pub(super) fn is_behind(&self, id: PartitionId, block: u64) -> bool {
        let next = self.reading.partitions.get(&id);
        next.is_none_or(|next| block >= *next)
    }

    fn take_page(
        &mut self,
        id: PartitionId,
        page: &[u8],
        messages: Vec<Pending>,
    ) -> Result<(), DecodeError> {
        let (subscription, queue, number) = layout::queue_of(page).ok_or(DecodeError::Short)?;
        for it in messages {
            let known = self.reading.queues.get(&subscription);
            let slot = Slot::Queued(id, subscription.clone(), it.seq);
            let is_there = match &queue {
                // A page without a mark was written since: the log tells of it.
                QueueId::Backlog => known.is_some_and(|queue| queue.mark.has(number, it.seq)),
                // What was read of the subscription's pages waits, wherever it has gone since.
                QueueId::Key(_) => !self.waiters.contains_key(&slot),
            };
            if !is_there {
                continue;
            }
            let (attempts, parked) = match known.and_then(|queue| queue.amendments.get(&it.seq)) {
                Some(Amendment::Settled) => continue,
                Some(Amendment::Failed {
                    attempts,
                    due,
                    cause,
                }) => {
                    let (due, cause) = (*due, cause.clone());
                    (*attempts, Some(Parking { due, cause }))
                }
                None => (it.attempts, None),
            };
            let key_page = match &queue {
                QueueId::Backlog => None,
                QueueId::Key(key) => {
                    let track = layout::track(id, &subscription, Some(key), 0);
                    let of = (subscription.clone(), key.clone());
                    self.reading.paged.entry(track).or_insert(of);
                    Some(number)
                }
            };
            let how = Waits::Queued {
                subscription: subscription.clone(),
                key: it.key.clone(),
                attempts,
                parked,
            };
            self.note_paged(slot, &it.message, it.key.as_ref(), how, key_page);
        }
        Ok(())
    }

    fn take_track(&mut self, id: PartitionId, place: &[u8], track: StoredTrack) {
        let StoredTrack {
            subscription,
            waiting,
            overflow,
            mut parked,
            ..
        } = track;
        if let Some((_, key)) = self.reading.paged.remove(place) {
            self.leave(id, &subscription, &key, |page, seq| overflow.has(page, seq));
        }
        for it in waiting {
            // The first one holds up those behind it.
            let parked = parked
                .take()
                .map(|Parked { due, cause }| Parking { due, cause });
            let how = Waits::Queued {
                subscription: subscription.clone(),
                key: it.key.clone(),
                attempts: it.attempts,
                parked,
            };
            let slot = Slot::Queued(id, subscription.clone(), it.seq);
            self.note(slot, &it.message, it.key.as_ref(), how);
        }
    }

    /// Forgets the messages of a key that were read from its pages and have left them.
    fn leave(
        &mut self,
        id: PartitionId,
        of: &Name,
        under: &Name,
        is_there: impl Fn(u64, u64) -> bool,
    ) {
        let first = Slot::Queued(id, of.clone(), 0);
        let last = Slot::Queued(id, of.clone(), u64::MAX);
        let gone = |(slot, it): (&Slot, &super::Waiter)| match (slot, &it.how) {
            (Slot::Queued(_, _, seq), Waits::Queued { key, .. }) => {
                let has_left = it.key_page.is_some_and(|page| !is_there(page, *seq));
                (has_left && key.as_ref() == Some(under)).then(|| slot.clone())
            }
            _ => None,
        };
        let gone: Vec<_> = self.waiters.range(first..=last).filter_map(gone).collect();
        gone.iter().for_each(|slot| self.remove(slot));
    }

    pub(super) fn delayed(&mut self, id: PartitionId, it: &Delayed) {
        let key = it.scope.as_ref().map(|scope| &scope.key);
        let how = Waits::Delayed { due: it.due };
        self.note(Slot::Delayed(id, it.message.id), &it.message, key, how);
    }

    pub(super) fn dead(&mut self, id: PartitionId, it: &DeadLetter) {
        let how = Waits::Dead {
            subscription: it.subscription.clone(),
            key: it.key.clone(),
            attempts: it.attempts,
            cause: it.cause.clone(),
            since: it.at,
        };
        let slot = Slot::Dead(id, it.subscription.clone(), it.seq);
        self.note(slot, &it.message, it.key.as_ref(), how);
    }

    pub(super) fn half(&mut self, id: PartitionId, it: &Half) {
        let key = match &it.owner {
            Owner::Plugin { scope, .. } => Some(&scope.key),
            Owner::Producer { .. } => None,
        };
        let how = Waits::Prepared {
            checks: it.checks,
            cause: it.cause.clone(),
            abandoned: it.next_check.is_none(),
        };
        self.note(Slot::Prepared(id, it.id()), &it.message, key, how);
    }
}

impl Reading {
    fn queue(&mut self, stored: StoredQueue) {
        let StoredQueue {
            subscription,
            backlog: mark,
            amendments,
        } = stored;
        let amendments = amendments.into_iter().collect();
        self.queues.insert(subscription, Queue { mark, amendments });
    }
}
