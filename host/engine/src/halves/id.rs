//! What names a half message to the outside: a transaction's id.

use std::fmt;
use std::str::FromStr;

use wasmill_model::{MessageId, PartitionId};

use crate::layout;

/// Names a half message, wherever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HalfId {
    /// The partition that has it.
    pub partition: PartitionId,
    /// The id of its message.
    pub message: MessageId,
}

/// A text that names no half message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a transaction: expected `PARTITION.MESSAGE`")]
pub struct ParseHalfIdError(String);

impl HalfId {
    /// Where the view keeps it once it is abandoned.
    #[must_use]
    pub fn abandoned_place(&self) -> Vec<u8> {
        layout::abandoned(self.partition, self.message)
    }
}

impl fmt::Display for HalfId {
    /// `PARTITION.MESSAGE`, which parses back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.partition, self.message)
    }
}

impl FromStr for HalfId {
    type Err = ParseHalfIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (partition, message) = text.split_once('.')?;
            Some(Self {
                partition: PartitionId(partition.parse().ok()?),
                message: message.parse().ok()?,
            })
        };
        parse().ok_or_else(|| ParseHalfIdError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_back() {
        let id = HalfId {
            partition: PartitionId(63),
            message: MessageId(u128::MAX),
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in [
            "",
            "1",
            "1.2",
            ".",
            "65536.00000000000000000000000000000001",
        ] {
            assert!(text.parse::<HalfId>().is_err(), "{text}");
        }
    }
}
