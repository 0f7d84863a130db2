//! The log in memory.

use bytes::Bytes;
use wasmill_port::store::{Acquired, AppendError, BlockNumber, Error, Log};

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
}
