//! The view as a look-up reads it, in which all pages look as if a checkpoint had them.

use std::sync::Arc;

use bytes::Bytes;
use wasmill_port::store::{Change, Error, View};
use wasmill_store::MemoryView;

/// The kind of pages, with which their keys begin.
const PAGE: u8 = b'q';

/// The view, with each page told to be the first of its queue: the mark that a checkpoint left of
/// the queue counts it as one of its own.
pub(super) struct PagedView(pub(super) Arc<MemoryView>);

impl View for PagedView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.0.get(key)
    }

    fn scan(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Bytes)>, Error> {
        let mut entries = self.0.scan(prefix, from, limit)?;
        // Whoever reads on does so behind the last entry, which stays where it is.
        let count = entries.len().min(limit.saturating_sub(1));
        for (key, _) in &mut entries[..count] {
            if key.starts_with(&[PAGE])
                && let Some(number) = key.last_chunk_mut::<8>()
            {
                *number = 0_u64.to_be_bytes();
            }
        }
        Ok(entries)
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.0.write(changes)
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.0.commit(changes)
    }

    fn sync(&self) -> Result<(), Error> {
        self.0.sync()
    }
}
