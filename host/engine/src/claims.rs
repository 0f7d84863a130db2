//! Producers' ids that are taken: exact, and as many as the disk holds.
//!
//! The engine keeps those that the view does not have yet; who sends one reads the view before.

use wasmill_model::{Claim, MessageId, Millis, PartitionId, Partitioner};
use xxhash_rust::xxh3::Xxh3;

use crate::checkpoint::Write;
use crate::codec::{self, DecodeError};
use crate::commands::{Incoming, ProducerId};
use crate::layout;

impl Incoming {
    /// Where the view keeps the claim on the producer's id, and in which partition, if there is
    /// one.
    #[must_use]
    pub fn claim_place(&self, partitioner: Partitioner) -> Option<(PartitionId, Vec<u8>)> {
        let producer = self.producer_id.as_ref()?;
        let partition = self.home(partitioner)?;
        Some((partition, layout::claim(partition, id(self, producer))))
    }

    /// The partition of a message: that of its key. Without a key the producer's id decides, so
    /// that the same id meets its claim, and without either it is none in particular.
    pub(crate) fn home(&self, partitioner: Partitioner) -> Option<PartitionId> {
        let producer = self
            .producer_id
            .as_ref()
            .map(|producer| producer.id.as_str());
        let decides = self.key.as_deref().or(producer)?;
        Some(partitioner.of(decides))
    }
}

/// Reads a claim of the view.
///
/// # Errors
/// [`DecodeError`] if it does not read back.
pub fn read(value: &[u8]) -> Result<Claim, DecodeError> {
    codec::decode(value)
}

/// What deletes the claims among these entries of the view whose time is over. It needs no commit:
/// they are not in force, whether the view has them or not.
///
/// # Errors
/// [`DecodeError`] if one does not read back.
pub fn sweep<'a>(
    entries: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    now: Millis,
) -> Result<Vec<Write>, DecodeError> {
    let mut writes = Vec::new();
    for (key, value) in entries {
        if read(value)?.expires <= now {
            writes.push(Write {
                key: key.to_vec(),
                value: None,
            });
        }
    }
    Ok(writes)
}

/// The claim that accepting a message makes.
pub(crate) fn claim(
    incoming: &Incoming,
    producer: &ProducerId,
    message: MessageId,
    now: Millis,
) -> Claim {
    let tag = incoming.tag.as_deref().unwrap_or_default();
    Claim {
        id: id(incoming, producer),
        content: match incoming.half {
            None => hash([tag.as_bytes(), &incoming.body]),
            Some(_) => hash([tag.as_bytes(), &incoming.body, b"half"]),
        },
        message,
        expires: now + producer.window,
    }
}

fn id(incoming: &Incoming, producer: &ProducerId) -> u128 {
    let key = incoming.key.as_deref().unwrap_or_default();
    hash([
        incoming.topic.as_bytes(),
        key.as_bytes(),
        producer.id.as_bytes(),
    ])
}

/// A 128-bit hash of parts, each after its length, so that no two lists run together.
fn hash<const N: usize>(parts: [&[u8]; N]) -> u128 {
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.digest128()
}
