//! Blocks: how records are laid down in the log.
//!
//! A block is `version: u8`, `offset: u64` (bytes of all blocks before it), `at: u64` (the
//! engine's time), then records in postcard, each after its length as a `u32`; little-endian.
//! The log below adds what it needs to detect a torn or damaged block.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmill_model::{Millis, Record};

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 8 + 8;

/// Why bytes are no block, or no value, of this version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by another version.
    #[error("block format {found}, this build reads {VERSION}")]
    Version {
        /// The version found.
        found: u8,
    },
    /// Shorter than its own lengths say.
    #[error("the block is cut short")]
    Short,
    /// Not what it should be.
    #[error("a value does not read back: {0}")]
    Malformed(String),
}

/// What stands at the head of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of all blocks before this one, since the log began.
    pub offset: u64,
    /// The engine's time when the block was sealed.
    pub at: Millis,
}

/// Builds a block, record by record.
#[derive(Debug)]
pub struct BlockBuilder {
    bytes: Vec<u8>,
}

impl BlockBuilder {
    /// An empty block.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes: vec![0; HEADER_BYTES],
        }
    }

    /// Whether no record was pushed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER_BYTES
    }

    /// The block's size so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a record.
    pub fn push(&mut self, record: &Record) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        let bytes = std::mem::take(&mut self.bytes);
        self.bytes = postcard::to_extend(record, bytes).expect("a record serialises");
        let length = u32::try_from(self.bytes.len() - start - 4).expect("a record under 4 GiB");
        self.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// Completes the block and begins the next.
    pub fn seal(&mut self, header: Header) -> Vec<u8> {
        let mut bytes = std::mem::take(self).bytes;
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&header.offset.to_le_bytes());
        bytes[9..17].copy_from_slice(&header.at.0.to_le_bytes());
        bytes
    }
}

impl Default for BlockBuilder {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads a block's header.
///
/// # Errors
/// [`DecodeError`] if the bytes are no block of this version.
pub fn header(block: &[u8]) -> Result<Header, DecodeError> {
    let head = block.get(..HEADER_BYTES).ok_or(DecodeError::Short)?;
    if head[0] != VERSION {
        return Err(DecodeError::Version { found: head[0] });
    }
    let number = |from: usize| {
        u64::from_le_bytes(
            head[from..from + 8]
                .try_into()
                .expect("eight bytes of the header"),
        )
    };
    Ok(Header {
        offset: number(1),
        at: Millis(number(9)),
    })
}

/// Reads a block's records, in order.
///
/// # Errors
/// [`DecodeError`] if a record is cut short or does not read back.
pub fn records(block: &[u8]) -> Result<Vec<Record>, DecodeError> {
    encoded_records(block)?.map(|it| decode(it?)).collect()
}

/// A block's records, in order, as they are encoded: each reads back by [`decode`].
///
/// # Errors
/// [`DecodeError`] if the bytes are no block of this version, or a record is cut short: that one
/// is the last.
pub fn encoded_records(
    block: &[u8],
) -> Result<impl Iterator<Item = Result<&[u8], DecodeError>>, DecodeError> {
    header(block)?;
    let mut rest = &block[HEADER_BYTES..];
    Ok(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let split = split_record(rest);
        rest = split.map_or(&[], |(_, after)| after);
        Some(split.map(|(record, _)| record).ok_or(DecodeError::Short))
    }))
}

/// The first record, and what follows it.
fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, body) = bytes.split_first_chunk()?;
    body.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// A value of the view, as bytes.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_stdvec(value).expect("a value of the engine serialises")
}

/// Reads a value of the view.
///
/// # Errors
/// [`DecodeError::Malformed`] if the bytes are no such value.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    postcard::from_bytes(bytes).map_err(|error| DecodeError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmill_model::{Op, PartitionId};

    fn record(position: u64) -> Record {
        let ops = vec![Op::Receive {
            from: PartitionId(3),
            number: position,
        }];
        Record {
            partition: PartitionId(1),
            position,
            ops,
        }
    }

    #[test]
    fn a_block_reads_back_and_a_cut_one_is_refused_at_every_length() {
        let mut builder = BlockBuilder::new();
        let written = [record(0), record(1 << 40)];
        written.iter().for_each(|record| builder.push(record));
        let head = Header {
            offset: 7,
            at: Millis(9),
        };
        let block = builder.seal(head);
        assert!(builder.is_empty());
        assert_eq!(header(&block), Ok(head));
        assert_eq!(records(&block).as_deref(), Ok(&written[..]));
        let whole = [
            block.len(),
            HEADER_BYTES,
            HEADER_BYTES + 4 + encode(&record(0)).len(),
        ];
        for length in (0..block.len()).filter(|length| !whole.contains(length)) {
            assert!(records(&block[..length]).is_err(), "cut at {length}");
        }
    }
}
