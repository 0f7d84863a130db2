//! Which versions of each plugin are kept, and which of them serves: a record on disk for each.

mod changes;
mod chosen;
mod preflight;
mod record;
mod signed;
mod standing;
mod store;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmill_model::Name;

pub(crate) use preflight::narrowed;
pub(crate) use record::{About, Came, Hold, Judged, Kept, Record};
use store::Store;

/// The records of all plugins, in memory as they are on disk.
#[derive(Debug)]
pub(crate) struct Versions {
    store: Store,
    // Never held while anything is written.
    records: Mutex<BTreeMap<Name, Arc<Record>>>,
}

impl Versions {
    /// Reads what is kept in a directory.
    ///
    /// # Errors
    /// The error of reading it, with the record's name if one is damaged.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let store = Store::open(directory)?;
        let records = store.records()?;
        Ok(Self {
            store,
            records: Mutex::new(records),
        })
    }

    /// The record of a plugin: an empty one if nothing of it is kept.
    pub(crate) fn of(&self, name: &str) -> Arc<Record> {
        self.records().get(name).cloned().unwrap_or_default()
    }

    /// All records, by name.
    pub(crate) fn all(&self) -> BTreeMap<Name, Arc<Record>> {
        self.records().clone()
    }

    /// Keeps a component. Nothing names it until a record does that is saved after it.
    pub(crate) fn keep(&self, hash: &str, component: &[u8]) -> io::Result<()> {
        self.store.keep(hash, component)
    }

    /// The component of a version.
    pub(crate) fn component(&self, hash: &str) -> io::Result<Vec<u8>> {
        self.store.component(hash)
    }

    /// Replaces the record of a plugin: durable when this returns, or as it was.
    pub(crate) fn save(&self, name: &Name, record: Record) -> io::Result<()> {
        if record == *self.of(name) {
            return Ok(());
        }
        self.store.save(name, &record)?;
        self.records().insert(name.clone(), Arc::new(record));
        Ok(())
    }

    /// Removes components that no record names; returns the versions whose compiled code is worth
    /// keeping.
    pub(crate) fn clean(&self) -> io::Result<HashSet<String>> {
        let all = self.all();
        let kept = all.values().flat_map(|record| record.kept());
        let kept: HashSet<&str> = kept.map(|version| version.hash.as_str()).collect();
        self.store.clean(&kept)?;
        let warm = all.values().flat_map(|record| record.warm());
        Ok(warm.map(str::to_owned).collect())
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<Name, Arc<Record>>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
