//! Producers' ids in the view: looked up before a message goes to the engine's thread, and swept
//! when their time is over.

use std::ops::Range;
use std::sync::Arc;

use wasmill_engine::{Incoming, claims, layout};
use wasmill_model::{Millis, PartitionId};
use wasmill_port::store::{Change, Error, View};

use crate::snapshots::Snapshots;

/// Claims that a sweep looks at, beside those that others made room for.
const SWEEP_COUNT_MIN: usize = 64;
/// Claims that a sweep looks at for each new one. With four of them, those whose time is over are
/// at most a third of those in force.
const SWEPT_BY_CLAIM: usize = 4;

/// Reads claims, on whatever thread.
#[derive(Clone)]
pub(crate) struct ClaimReader {
    pub(crate) view: Arc<dyn View>,
    pub(crate) snapshots: Arc<Snapshots>,
}

/// For how long what was read of the view holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) partition: PartitionId,
    pub(crate) version: u64,
}

impl ClaimReader {
    /// Notes in a message what the view has of its producer's id. None if it has no such id.
    pub(crate) fn look_up(&self, incoming: &mut Incoming) -> Result<Option<Seen>, Error> {
        let Some((partition, key)) = incoming.claim_place(self.snapshots.partitioner()) else {
            return Ok(None);
        };
        // Before the read: what ends meanwhile may have been missed.
        let version = self.snapshots.version(partition);
        let claimed = match self.view.get(&key)? {
            Some(value) => Some(read(&value)?),
            None => None,
        };
        if let Some(producer) = &mut incoming.producer_id {
            producer.claimed = claimed;
        }
        Ok(Some(Seen { partition, version }))
    }
}

/// Goes through the claims of each partition, round and round.
#[derive(Debug)]
pub(crate) struct Sweeper {
    /// Where each partition's sweep goes on.
    next: Vec<Vec<u8>>,
}

impl Sweeper {
    pub(crate) fn new(partitions: u16) -> Self {
        Self {
            next: vec![Vec::new(); usize::from(partitions)],
        }
    }

    /// Deletes what is over at `now` among the next claims of some partitions, of which `claimed`
    /// are new.
    pub(crate) fn sweep(
        &mut self,
        view: &impl View,
        partitions: Range<u16>,
        claimed: usize,
        now: Millis,
    ) -> Result<(), Error> {
        let limit = SWEEP_COUNT_MIN + SWEPT_BY_CLAIM * claimed / partitions.len().max(1);
        for index in partitions {
            let prefix = layout::claims(PartitionId(index));
            let next = &mut self.next[usize::from(index)];
            let entries = view.scan(&prefix, next.as_slice().max(&prefix), limit)?;
            next.clear();
            if let Some((last, _)) = entries.get(limit - 1) {
                next.extend_from_slice(last);
                next.push(0);
            }
            let entries = entries.iter().map(|(key, value)| (&key[..], &value[..]));
            let writes = claims::sweep(entries, now).map_err(damaged)?;
            if !writes.is_empty() {
                let changes = writes.into_iter().map(|it| Change {
                    key: it.key,
                    value: it.value,
                });
                view.write(changes.collect())?;
            }
        }
        Ok(())
    }
}

fn read(value: &[u8]) -> Result<wasmill_model::Claim, Error> {
    claims::read(value).map_err(damaged)
}

fn damaged(cause: wasmill_engine::codec::DecodeError) -> Error {
    Error::new("read a producer's id", cause)
}
