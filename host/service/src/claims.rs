//! Producers' ids in the view: looked up before a message goes to the engine's thread.

use wasmill_engine::{Incoming, claims};
use wasmill_model::PartitionId;
use wasmill_port::store::Error;

use crate::snapshots::VersionedView;

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

fn read(value: &[u8]) -> Result<wasmill_model::Claim, Error> {
    claims::read(value).map_err(|cause| Error::new("read a producer's id", cause))
}
