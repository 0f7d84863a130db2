//! What is committed, as blocks: sealed, durable up to a barrier, and covered by checkpoints.

use super::Engine;
use crate::codec::Header;

impl Engine {
    /// Seals what was committed: the number of the first block and the bytes of each, to be
    /// appended to the log in order. No block if nothing was committed.
    pub fn seal(&mut self) -> (u64, Vec<Vec<u8>>) {
        let first = self.next_block;
        let mut blocks = Vec::new();
        if self.unsealed.is_empty() {
            return (first, blocks);
        }
        for mut block in self.unsealed.take() {
            let bytes = block.seal(Header {
                offset: self.log_bytes,
                at: self.now,
            });
            self.log_bytes += bytes.len() as u64;
            self.next_block += 1;
            blocks.push(bytes);
        }
        self.sealed_at = self.now;
        // The log may have been behind.
        self.dispatch();
        (first, blocks)
    }

    /// Bytes committed and not sealed.
    #[must_use]
    pub fn unsealed_bytes(&self) -> usize {
        self.unsealed.bytes()
    }

    /// Whether something is committed and not sealed.
    #[must_use]
    pub fn has_unsealed(&self) -> bool {
        !self.unsealed.is_empty()
    }

    /// Whether a whole block is committed and not sealed.
    #[must_use]
    pub fn has_full_block(&self) -> bool {
        self.unsealed.is_full()
    }

    /// Bytes of the log that a recovery would skip: they came before the last whole round of
    /// checkpoints.
    #[must_use]
    pub fn covered_bytes(&self) -> u64 {
        self.checkpoints.covered_bytes
    }

    /// Whether so much is not in the view that checkpoints must catch up first.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.log_bytes - self.covered_bytes() >= self.config.uncovered_bytes_max
    }

    /// How many blocks were sealed since the log began.
    #[must_use]
    pub fn sealed_blocks(&self) -> u64 {
        self.next_block
    }

    /// How many blocks the log must hold for all that was committed so far to be durable.
    #[must_use]
    pub fn barrier(&self) -> u64 {
        self.next_block + self.unsealed.blocks()
    }

    /// Bytes of all blocks sealed since the log began.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.log_bytes
    }
}
