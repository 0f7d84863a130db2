//! The view as a sweep reads it, in which a bug may make claims look as if they were over.

use std::sync::Arc;

use bytes::Bytes;
use wasmill_model::{Millis, reserved};
use wasmill_port::store::{Change, Error, View};
use wasmill_store::MemoryView;

/// The view: as it is, or with its claims over.
pub(crate) struct SweptView {
    pub(super) view: Arc<MemoryView>,
    pub(super) is_over: bool,
}

impl View for SweptView {
    /// A sweep gets nothing else but claims.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        let value = self.view.get(key)?;
        Ok(match self.is_over {
            true => value.map(|_| reserved::claim_until(Millis(0))),
            false => value,
        })
    }

    fn scan(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Bytes)>, Error> {
        self.view.scan(prefix, from, limit)
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.view.write(changes)
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.view.commit(changes)
    }

    fn sync(&self) -> Result<(), Error> {
        self.view.sync()
    }
}
