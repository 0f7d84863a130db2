//! The view in memory.

use std::ops::Bound;

use bytes::Bytes;
use wasmill_port::store::{Change, Error, View};

use super::{Memory, state::State};

/// A handle on the view of a [`Memory`].
#[derive(Clone, Debug)]
pub struct MemoryView {
    memory: Memory,
}

impl MemoryView {
    pub(super) fn new(memory: Memory) -> Self {
        Self { memory }
    }
}

impl View for MemoryView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.memory
            .lock()
            .read("read the view", |state| state.view.get(key).cloned())
    }

    fn scan(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Bytes)>, Error> {
        self.memory.lock().read("scan the view", |state| {
            let from = Bound::Included(from.max(prefix));
            state
                .view
                .range::<[u8], _>((from, Bound::Unbounded))
                .take_while(|(key, _)| key.starts_with(prefix))
                .take(limit)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        })
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.memory.lock().write("write to the view", |state| {
            changes
                .into_iter()
                .for_each(|change| state.apply(vec![change]));
        })
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.memory
            .lock()
            .write("commit to the view", |state| state.apply(changes))
    }

    fn sync(&self) -> Result<(), Error> {
        self.memory.lock().write("sync the view", State::sync_view)
    }
}
