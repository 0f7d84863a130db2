//! Identities: partitions and messages.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3;

use crate::Millis;

/// A partition: one order of commits. The number of partitions is fixed with the data directory.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct PartitionId(pub u16);

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Maps keys to partitions: XXH3-64 of the key's bytes, modulo the number of partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitioner {
    count: u16,
}

impl Partitioner {
    /// The hash's name as the data directory's header states it.
    pub const HASH: &'static str = "xxh3-64";

    /// A partitioner over `count` partitions.
    ///
    /// # Panics
    /// If `count` is zero.
    #[must_use]
    pub fn new(count: u16) -> Self {
        assert!(count > 0, "a data directory has at least one partition");
        Self { count }
    }

    /// How many partitions there are.
    #[must_use]
    pub fn count(self) -> u16 {
        self.count
    }

    /// The partition of `key`.
    #[must_use]
    pub fn of(self, key: &str) -> PartitionId {
        let bucket = xxh3::xxh3_64(key.as_bytes()) % u64::from(self.count);
        PartitionId(u16::try_from(bucket).expect("less than a u16"))
    }

    /// The partition of a message: by its key, or spread by its id when it has none.
    #[must_use]
    pub fn of_message(self, key: Option<&str>, id: MessageId) -> PartitionId {
        match key {
            Some(key) => self.of(key),
            None => {
                PartitionId(u16::try_from(id.0 % u128::from(self.count)).expect("less than a u16"))
            }
        }
    }
}

/// A message's identity, unique for ever. Written as 32 hexadecimal digits.
///
/// Derived, not drawn: a message that a handler sends gets the hash of the message handled, the
/// subscription and the index of the send. A handler that is run again therefore sends the same
/// ids, and nothing random enters the engine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId(pub u128);

impl MessageId {
    /// The id of the message from outside that the record at `position` of `partition` took in.
    #[must_use]
    pub fn accepted(partition: PartitionId, position: u64) -> Self {
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&partition.0.to_be_bytes());
        bytes[2..].copy_from_slice(&position.to_be_bytes());
        Self(xxh3::xxh3_128_with_seed(&bytes, 1))
    }

    /// The id of the message that a schedule sends for a time.
    #[must_use]
    pub fn scheduled(schedule: &str, at: Millis) -> Self {
        let mut hasher = xxh3::Xxh3::with_seed(3);
        hasher.update(&at.0.to_be_bytes());
        hasher.update(schedule.as_bytes());
        Self(hasher.digest128())
    }

    /// The id of the `index`-th message sent by the handler of `subscription` for this message.
    #[must_use]
    pub fn sent(self, subscription: &str, index: u32) -> Self {
        let mut hasher = xxh3::Xxh3::with_seed(2);
        hasher.update(&self.0.to_be_bytes());
        hasher.update(&index.to_be_bytes());
        hasher.update(subscription.as_bytes());
        Self(hasher.digest128())
    }

    /// The id of the half message `name` that a handler of `subscription` prepares for this
    /// message.
    #[must_use]
    pub fn prepared(self, subscription: &str, name: &str) -> Self {
        let mut hasher = xxh3::Xxh3::with_seed(4);
        hasher.update(&self.0.to_be_bytes());
        hasher.update(&(subscription.len() as u64).to_be_bytes());
        hasher.update(subscription.as_bytes());
        hasher.update(name.as_bytes());
        Self(hasher.digest128())
    }
}

impl MessageId {
    /// The id of the event that tells of the dead letter with this name.
    #[must_use]
    pub fn buried(partition: PartitionId, seq: u64, subscription: &str) -> Self {
        let mut hasher = xxh3::Xxh3::with_seed(5);
        hasher.update(&partition.0.to_be_bytes());
        hasher.update(&seq.to_be_bytes());
        hasher.update(subscription.as_bytes());
        Self(hasher.digest128())
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = ParseMessageIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(ParseMessageIdError(text.to_owned()));
        }
        let id = u128::from_str_radix(text, 16).expect("hexadecimal digits");
        Ok(Self(id))
    }
}

/// A text that is no message id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a message id: expected 32 hexadecimal digits")]
pub struct ParseMessageIdError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = MessageId::accepted(PartitionId(7), 9);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("12".parse::<MessageId>().is_err());
        assert!(
            "+f345678901234567890123456789012"
                .parse::<MessageId>()
                .is_err()
        );
    }

    #[test]
    fn a_handler_run_again_sends_the_same_ids_and_no_two_sends_share_one() {
        let parent = MessageId::accepted(PartitionId(0), 0);
        assert_eq!(parent.sent("s", 0), parent.sent("s", 0));
        assert_ne!(parent.sent("s", 0), parent.sent("s", 1));
        assert_ne!(parent.sent("s", 0), parent.sent("t", 0));
    }
}
