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
mod text;
mod trial;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmill_model::Name;
use wasmill_port::plugins::{ActError, Fault};

pub(crate) use preflight::narrowed;
pub(crate) use record::{About, Came, Hold, Judged, Kept, Record};
use store::{Found, Store};

/// The records of all plugins.
#[derive(Debug)]
pub(crate) struct Versions {
    store: Store,
    // Never held while anything is written.
    all: Mutex<BTreeMap<Name, Known>>,
}

/// What is known of a plugin.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    /// What its record says on disk.
    Written(Arc<Record>),
    /// More than its record says on disk, and why that could not be written.
    Unwritten(Arc<Record>, String),
    /// Nothing, since its record cannot be read: why, and the remedy.
    Unreadable(String),
}

/// Nothing is known of a plugin of which there is a record: why it cannot be read, and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(pub(crate) String);

impl Known {
    pub(crate) fn record(&self) -> Result<&Arc<Record>, Unreadable> {
        match self {
            Self::Written(record) | Self::Unwritten(record, _) => Ok(record),
            Self::Unreadable(why) => Err(Unreadable(why.clone())),
        }
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Written(_) => None,
            Self::Unwritten(_, why) => Some(Fault::Unwritten(why.clone())),
            Self::Unreadable(why) => Some(Fault::Unreadable(why.clone())),
        }
    }
}

impl Default for Known {
    /// Of a plugin of which nothing is kept.
    fn default() -> Self {
        Self::Written(Arc::default())
    }
}

impl From<Unreadable> for ActError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Refused(unreadable.0)
    }
}

impl Versions {
    /// Reads what is kept in a directory. A record that cannot be read is one plugin's alone.
    ///
    /// # Errors
    /// The error of reading the directory.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let store = Store::open(directory)?;
        let names = store.names()?.into_iter();
        let all = names.map(|name| {
            let known = read(&store, &name);
            (name, known)
        });
        Ok(Self {
            all: Mutex::new(all.collect()),
            store,
        })
    }

    /// What is known of a plugin.
    pub(crate) fn known(&self, name: &str) -> Known {
        self.lock().get(name).cloned().unwrap_or_default()
    }

    /// The record of a plugin: an empty one if nothing of it is kept.
    ///
    /// # Errors
    /// [`Unreadable`]; nothing must be done to the plugin then.
    pub(crate) fn of(&self, name: &str) -> Result<Arc<Record>, Unreadable> {
        self.known(name).record().cloned()
    }

    /// All plugins of which there is a record.
    pub(crate) fn all(&self) -> BTreeMap<Name, Known> {
        self.lock().clone()
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
        if matches!(self.known(name), Known::Written(before) if *before == record) {
            return Ok(());
        }
        self.store.save(name, &record)?;
        self.set(name, Known::Written(Arc::new(record)));
        Ok(())
    }

    /// Has a record hold that could not be written. True if the one before was.
    pub(crate) fn owe(&self, name: &Name, record: Record, why: String) -> bool {
        let before = self.set(name, Known::Unwritten(Arc::new(record), why));
        !matches!(before, Some(Known::Unwritten(..)))
    }

    /// Looks again at a record that could not be read: it may have been put back.
    pub(crate) fn look_again(&self, name: &Name) {
        if matches!(self.known(name), Known::Unreadable(_)) {
            self.set(name, read(&self.store, name));
        }
    }

    /// Removes components that no record names; returns the versions whose compiled code is worth
    /// keeping. Does nothing while a record cannot be read: who knows what it names.
    pub(crate) fn clean(&self) -> io::Result<Option<HashSet<String>>> {
        let all = self.all();
        let records: Result<Vec<_>, _> = all.values().map(Known::record).collect();
        let Ok(records) = records else {
            return Ok(None);
        };
        let kept = records.iter().flat_map(|record| record.kept());
        let kept: HashSet<&str> = kept.map(|version| version.hash.as_str()).collect();
        self.store.clean(&kept)?;
        let warm = records.iter().flat_map(|record| record.warm());
        Ok(Some(warm.map(str::to_owned).collect()))
    }

    fn set(&self, name: &Name, known: Known) -> Option<Known> {
        self.lock().insert(name.clone(), known)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Name, Known>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a directory says of a plugin.
fn read(store: &Store, name: &str) -> Known {
    match store.find(name) {
        Found::Whole(record) => Known::Written(Arc::new(record)),
        Found::Copied(record, why) => {
            tracing::warn!(
                plugin = name,
                why,
                "its copy stands in for a plugin's record"
            );
            Known::Unwritten(Arc::new(record), why)
        }
        Found::Unreadable(why) => {
            tracing::error!(plugin = name, why, "a plugin's record cannot be read");
            Known::Unreadable(why)
        }
    }
}
