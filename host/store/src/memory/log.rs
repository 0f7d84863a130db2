//! The log in memory.

use std::sync::Arc;

use bytes::Bytes;
use wasmill_port::store::{Acquired, AppendError, BlockNumber, Blocks, Error, Log, Piece};

use super::Memory;

/// A handle on the log of a [`Memory`].
#[derive(Debug)]
pub struct MemoryLog {
    memory: Memory,
}

impl MemoryLog {
    pub(super) fn new(memory: Memory) -> Self {
        Self { memory }
    }
}

impl Log for MemoryLog {
    fn acquire(&mut self) -> Result<Acquired, Error> {
        let mut state = self.memory.lock();
        state.resume();
        state.write("acquire the log", |state| {
            state.epoch += 1;
            state.acquired = true;
            state.sync_log();
            Acquired {
                epoch: state.epoch,
                first: state.first,
                next: state.next,
            }
        })
    }

    fn append(&mut self, epoch: u64, at: BlockNumber, block: &[u8]) -> Result<(), AppendError> {
        let mut state = self.memory.lock();
        if !state.crashed && (!state.acquired || epoch != state.epoch || at != state.next) {
            return Err(AppendError::Fenced);
        }
        let block = Bytes::copy_from_slice(block);
        let appended = state.write("append to the log", |state| {
            state.blocks.insert(at, block);
            state.next = at + 1;
            state.sync_log();
        });
        appended.map_err(AppendError::Unknown)
    }

    fn read(&self, number: BlockNumber) -> Result<Option<Bytes>, Error> {
        self.memory.lock().read("read the log", |state| {
            state
                .blocks
                .get(&number)
                .filter(|_| number >= state.first)
                .cloned()
        })
    }

    fn trim(&mut self, before: BlockNumber) -> Result<(), Error> {
        self.memory.lock().write("trim the log", |state| {
            state.first = before.min(state.next).max(state.first);
        })
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(MemoryBlocks {
            memory: self.memory.clone(),
        })
    }
}

/// A reader of the log.
#[derive(Debug)]
struct MemoryBlocks {
    memory: Memory,
}

impl Blocks for MemoryBlocks {
    fn first(&self) -> Result<Option<BlockNumber>, Error> {
        self.memory
            .lock()
            .read("find the log's first block", |state| {
                let first = state.blocks.range(state.first..).next();
                first.map(|(number, _)| *number)
            })
    }

    fn piece(&self, number: BlockNumber) -> Result<Option<Piece>, Error> {
        let block = MemoryLog::new(self.memory.clone()).read(number)?;
        Ok(block.map(|block| Piece {
            first: number,
            next: number + 1,
            blocks: Ok(vec![block]),
        }))
    }
}
