//! Producers' ids in the view: looked up before a message goes to the engine's thread, and swept
//! when their time is over.

use std::ops::Range;

use wasmill_engine::{Incoming, claims, layout};
use wasmill_model::{Millis, PartitionId};
use wasmill_port::store::{Change, Error, View};

use crate::snapshots::VersionedView;

/// Claims that a sweep looks at, beside those that others made room for.
const SWEEP_COUNT_MIN: usize = 64;
/// Claims that a sweep looks at for each new one. With four of them, those whose time is over are
/// at most a third of those in force.
const SWEPT_BY_CLAIM: usize = 4;

/// Claims that are looked at in one go.
const SLICE_COUNT: usize = 256;

/// For how long what was read of the view holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) partition: PartitionId,
    pub(crate) version: u64,
}

impl VersionedView {
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

    /// Deletes what is over at `now` among the next claims of some partitions, with so many new
    /// ones each.
    pub(crate) fn sweep(
        &mut self,
        view: &impl View,
        partitions: Range<u16>,
        claimed: &[usize],
        now: Millis,
    ) -> Result<(), Error> {
        for (index, claimed) in partitions.zip(claimed) {
            let mut rest = SWEEP_COUNT_MIN + SWEPT_BY_CLAIM * claimed;
            while rest > 0 && self.sweep_slice(view, index, rest.min(SLICE_COUNT), now)? {
                rest = rest.saturating_sub(SLICE_COUNT);
            }
        }
        Ok(())
    }

    /// Sweeps so many of a partition's claims. False if it came to their end: the next sweep
    /// begins anew.
    fn sweep_slice(
        &mut self,
        view: &impl View,
        partition: u16,
        count: usize,
        now: Millis,
    ) -> Result<bool, Error> {
        let prefix = layout::claims(PartitionId(partition));
        let next = &mut self.next[usize::from(partition)];
        let entries = view.scan(&prefix, next.as_slice().max(&prefix), count)?;
        next.clear();
        let goes_on = entries.len() == count;
        if let Some((last, _)) = entries.last()
            && goes_on
        {
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
        Ok(goes_on)
    }
}

fn read(value: &[u8]) -> Result<wasmill_model::Claim, Error> {
    claims::read(value).map_err(damaged)
}

fn damaged(cause: wasmill_engine::codec::DecodeError) -> Error {
    Error::new("read a producer's id", cause)
}

#[cfg(test)]
mod tests {
    use wasmill_model::{Claim, MessageId};
    use wasmill_store::{Memory, MemoryView};

    use super::*;

    /// The claims of partition 1 of 2 after a sweep at time 10, by when they are over.
    fn swept(sweeper: &mut Sweeper, view: &MemoryView, claimed: usize) -> Vec<u64> {
        sweeper.sweep(view, 1..2, &[claimed], Millis(10)).unwrap();
        let prefix = layout::claims(PartitionId(1));
        let entries = view.scan(&prefix, &prefix, usize::MAX).unwrap();
        let claims = entries.iter().map(|(_, value)| read(value).unwrap());
        claims.map(|claim| claim.expires.0).collect()
    }

    #[test]
    fn sweeps_go_on_where_the_last_one_ended_and_begin_anew() {
        let (_, view) = Memory::new(1).open();
        let put = |nth: u64, expires| {
            let claim = Claim {
                id: nth.into(),
                content: 0,
                message: MessageId(0),
                expires: Millis(expires),
            };
            let mut key = layout::claims(PartitionId(1));
            key.extend_from_slice(&claim.id.to_be_bytes());
            let value = postcard::to_stdvec(&claim).unwrap();
            view.write(vec![Change::put(key, value.into())]).unwrap();
        };
        // Every other one is over.
        (0..200).for_each(|nth| put(nth, if nth % 2 == 0 { 10 } else { 11 }));
        let mut sweeper = Sweeper::new(2);
        assert_eq!(swept(&mut sweeper, &view, 0).len(), 200 - 32);
        assert_eq!(swept(&mut sweeper, &view, 0).len(), 200 - 64);
        put(0, 10);
        // To the end, and from the beginning.
        assert_eq!(swept(&mut sweeper, &view, 1_000).len(), 101);
        assert_eq!(swept(&mut sweeper, &view, 0), [11; 100]);
    }
}
