//! Recovery: an engine out of the view's last checkpoint and the blocks after it.

use std::sync::Arc;

use wasmill_model::record::ScheduledRuns;
use wasmill_model::{Half, Millis, Name, PartitionId, Routes};

use crate::backlog::Backlog;
use crate::checkpoint::{Meta, StoredQueue};
use crate::codec::{self, DecodeError};
use crate::engine::{Config, Engine};
use crate::lane::StoredTrack;
use crate::layout;
use crate::partition::Counters;

/// Something in the store that does not read back.
#[derive(Debug, thiserror::Error)]
#[error("{what} is damaged: {cause}; restore the data directory from a copy")]
pub struct Corrupt {
    what: String,
    cause: DecodeError,
}

/// An engine being recovered: first the view's entries, then the blocks, then it goes live.
#[derive(Debug)]
pub struct Recovery {
    engine: Engine,
}

impl Recovery {
    /// Begins with the view's [`layout::META`] entry; none for a new data directory.
    ///
    /// # Errors
    /// [`Corrupt`] if the entry does not read back.
    pub fn new(config: Config, routes: &Arc<Routes>, meta: Option<&[u8]>) -> Result<Self, Corrupt> {
        let mut engine = Engine::new(config, routes);
        if let Some(bytes) = meta {
            let meta: Meta = read("the checkpoint's mark", bytes)?;
            engine.next_block = meta.next_block;
            engine.log_bytes = meta.log_bytes;
            engine.checkpoints.covered_bytes = meta.log_bytes;
            engine.now = meta.now;
        }
        Ok(Self { engine })
    }

    /// The prefixes whose entries [`Recovery::restore`] wants, in this order.
    #[must_use]
    pub fn prefixes() -> Vec<Vec<u8>> {
        [
            layout::PARTITION,
            layout::BACKLOG,
            layout::TRACK,
            layout::HALF,
            layout::POSITION,
            layout::SCHEDULE,
        ]
        .into_iter()
        .map(layout::kind)
        .collect()
    }

    /// Takes an entry of the view.
    ///
    /// # Errors
    /// [`Corrupt`] if it does not read back.
    pub fn restore(&mut self, key: &[u8], value: &[u8]) -> Result<(), Corrupt> {
        let malformed = || Corrupt {
            what: format!("the entry {}", key.escape_ascii()),
            cause: DecodeError::Short,
        };
        let id = layout::partition_of(key).ok_or_else(malformed)?;
        if id.0 >= self.engine.config.partitions {
            return Err(malformed());
        }
        let what = || format!("the entry {}", key.escape_ascii());
        match key[0] {
            layout::PARTITION => {
                let counters: Counters = read(&what(), value)?;
                self.engine.partition_mut(id).counters = counters;
            }
            layout::BACKLOG => self.restore_queue(id, read(&what(), value)?),
            layout::TRACK => self.restore_track(id, read(&what(), value)?),
            layout::HALF => {
                let half: Half = read(&what(), value)?;
                self.engine.open_half(id, Arc::new(half));
            }
            layout::POSITION => self.engine.moves.set(read(&what(), value)?),
            layout::SCHEDULE => {
                let (name, runs): (Name, ScheduledRuns) = read(&what(), value)?;
                self.engine.schedules.set(name, Some(runs));
            }
            _ => return Err(malformed()),
        }
        Ok(())
    }

    /// The first block that [`Recovery::replay`] wants.
    #[must_use]
    pub fn next_block(&self) -> u64 {
        self.engine.next_block
    }

    /// Applies the next block. Actions may come of it: pages to be written.
    ///
    /// # Errors
    /// [`Corrupt`] if it does not read back.
    pub fn replay(&mut self, block: &[u8]) -> Result<(), Corrupt> {
        let number = self.engine.next_block;
        let damaged = |cause| Corrupt {
            what: format!("block {number}"),
            cause,
        };
        let header = codec::header(block).map_err(damaged)?;
        let records = codec::records(block).map_err(damaged)?;
        self.engine.sealed_at = self.engine.advance(header.at);
        self.engine.next_block += 1;
        self.engine.log_bytes = header.offset + block.len() as u64;
        for record in records {
            let partition = self.engine.partition(record.partition);
            if partition.counters.next_block <= number {
                self.engine.apply(record);
            }
        }
        Ok(())
    }

    /// The engine, to execute its actions while it recovers.
    pub fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// All is replayed: messages that were on their way between partitions arrive, and handlers
    /// may run once their plugins serve.
    #[must_use]
    pub fn finish(mut self, now: Millis) -> Engine {
        self.engine.advance(now);
        self.engine.live = true;
        self.engine.deliver_in_transit();
        self.engine.reconcile_schedules();
        self.engine
    }

    fn restore_queue(&mut self, id: PartitionId, stored: StoredQueue) {
        let sub = self.engine.sub(&stored.subscription);
        let queue = self.engine.partition_mut(id).queue(sub);
        queue.backlog = Backlog::restore(stored.backlog);
        let settled = stored
            .amendments
            .iter()
            .filter(|(_, it)| it.is_settled())
            .count() as u64;
        queue.amendments = stored.amendments.into_iter().collect();
        // Some of those that are settled lie in the pages of tracks, which are yet to be restored:
        // the number may be below zero on the way.
        let pending = &mut self.engine.subs[sub].pending;
        *pending = pending
            .wrapping_add(stored.backlog.len())
            .wrapping_sub(settled);
    }

    fn restore_track(&mut self, id: PartitionId, stored: StoredTrack) {
        let StoredTrack {
            subscription,
            key,
            waiting,
            overflow,
            parked,
        } = stored;
        let sub = self.engine.sub(&subscription);
        let seq = waiting.first().map_or(0, |pending| pending.seq);
        let lane_id = self.engine.lane_of(sub, key.as_ref(), seq);
        let pending = &mut self.engine.subs[sub].pending;
        *pending = pending.wrapping_add(waiting.len() as u64 + overflow.len());
        self.engine.restore_track(id, lane_id, sub, |track| {
            track.waiting = waiting.into();
            track.overflow = Backlog::restore(overflow);
            track.parked = parked;
            track.stored = true;
        });
    }
}

fn read<T: serde::de::DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, Corrupt> {
    codec::decode(bytes).map_err(|cause| Corrupt {
        what: what.to_owned(),
        cause,
    })
}
