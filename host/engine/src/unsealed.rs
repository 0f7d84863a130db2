//! What is committed and not yet sealed: one block, or several when the log is behind.

use wasmill_model::Record;

use crate::codec::BlockBuilder;

/// A block that has grown to this size takes no further record. A larger one would hold up what
/// waits for its beginning, and cost the store more space than it holds.
const BLOCK_BYTES: usize = 1 << 20;

/// Blocks under construction, in their order.
#[derive(Debug, Default)]
pub(crate) struct Unsealed {
    full: Vec<BlockBuilder>,
    full_bytes: usize,
    open: BlockBuilder,
}

impl Unsealed {
    /// Appends a record.
    pub(crate) fn push(&mut self, record: &Record) {
        if self.is_full() {
            self.full_bytes += self.open.len();
            self.full.push(std::mem::take(&mut self.open));
        }
        self.open.push(record);
    }

    /// Whether there is no record.
    pub(crate) fn is_empty(&self) -> bool {
        // A full block is set aside only for a record that comes after it.
        self.open.is_empty()
    }

    /// How many blocks there are.
    pub(crate) fn blocks(&self) -> u64 {
        self.full.len() as u64 + u64::from(!self.open.is_empty())
    }

    /// The size of all blocks together.
    pub(crate) fn bytes(&self) -> usize {
        self.full_bytes + self.open.len()
    }

    /// Whether the next record begins another block.
    pub(crate) fn is_full(&self) -> bool {
        self.open.len() >= BLOCK_BYTES
    }

    /// Takes all blocks, and begins anew.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = BlockBuilder> + use<> {
        let Self { full, open, .. } = std::mem::take(self);
        let open = (!open.is_empty()).then_some(open);
        full.into_iter().chain(open)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use wasmill_model::effects::Scope;
    use wasmill_model::{Millis, Op, PartitionId};

    use super::*;
    use crate::codec::{self, Header};

    #[test]
    fn large_records_are_spread_over_blocks_in_their_order() {
        let (mut unsealed, header) = (
            Unsealed::default(),
            Header {
                offset: 0,
                at: Millis(0),
            },
        );
        assert_eq!((unsealed.blocks(), unsealed.is_empty()), (0, true));
        let written: Vec<_> = (0..40).map(record).collect();
        written.iter().for_each(|record| unsealed.push(record));
        let (count, bytes) = (unsealed.blocks(), unsealed.bytes());
        let blocks: Vec<_> = unsealed.take().map(|mut it| it.seal(header)).collect();
        assert_eq!(unsealed.blocks(), 0);
        assert_eq!(blocks.len() as u64, count);
        assert_eq!(blocks.iter().map(Vec::len).sum::<usize>(), bytes);
        let sizes = BLOCK_BYTES..BLOCK_BYTES + 101_000;
        assert!(
            blocks[..blocks.len() - 1]
                .iter()
                .all(|it| sizes.contains(&it.len()))
        );
        let read: Vec<_> = blocks
            .iter()
            .flat_map(|it| codec::records(it).unwrap())
            .collect();
        assert_eq!(read, written);
    }

    fn record(position: u64) -> Record {
        let scope = Scope {
            plugin: "p".into(),
            key: "k".into(),
        };
        let writes = vec![("n".into(), Some(Bytes::from(vec![7; 100_000])))];
        Record {
            partition: PartitionId(0),
            position,
            ops: vec![Op::State { scope, writes }],
        }
    }
}
