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
    /// Nothing, since its record cannot be read.
    Unreadable {
        /// Why, and the remedy.
        why: String,
        /// The plugin's file went, which holds as soon as the record can be read.
        removed: bool,
    },
}

/// Nothing is known of a plugin of which there is a record: why it cannot be read, and the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(pub(crate) String);

impl Known {
    pub(crate) fn record(&self) -> Result<&Arc<Record>, Unreadable> {
        match self {
            Self::Written(record) | Self::Unwritten(record, _) => Ok(record),
            Self::Unreadable { why, .. } => Err(Unreadable(why.clone())),
        }
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Written(_) => None,
            Self::Unwritten(_, why) => Some(Fault::Unwritten(why.clone())),
            Self::Unreadable { why, .. } => Some(Fault::Unreadable(why.clone())),
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
            tell(&name, &known);
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

    /// Replaces the record of a plugin: durable when this returns.
    ///
    /// # Errors
    /// The error of writing it: the record is as it was, and written anew if it may not be so on disk.
    pub(crate) fn save(&self, name: &Name, record: Record) -> io::Result<()> {
        let before = self.known(name);
        if matches!(&before, Known::Written(before) if **before == record) {
            return Ok(());
        }
        if let Err(unwritten) = self.store.save(name, &record) {
            if unwritten.begun
                && let Ok(before) = before.record()
            {
                let why = format!("its record may be half replaced on disk: {unwritten}");
                self.owe(name, before.clone(), &why);
            }
            return Err(unwritten.into());
        }
        self.set(name, Known::Written(Arc::new(record)));
        Ok(())
    }

    /// Has a record hold that could not be written.
    pub(crate) fn owe(&self, name: &Name, record: impl Into<Arc<Record>>, why: &str) {
        let known = Known::Unwritten(record.into(), why.to_owned());
        let before = self.set(name, known);
        if !matches!(before, Some(Known::Unwritten(..))) {
            tracing::error!(plugin = %name, why, "a plugin's record is not written down yet: it is tried again");
        }
    }

    /// Looks again at a record that could not be read: it may have been put back. If the plugin's file
    /// went meanwhile, the record says so then.
    pub(crate) fn look_again(&self, name: &Name) {
        if !matches!(self.known(name), Known::Unreadable { .. }) {
            return;
        }
        let found = read(&self.store, name);
        let mut all = self.lock();
        // Whoever else looked may have gone on from what was there.
        let Some(Known::Unreadable { why, removed }) = all.get(name) else {
            return;
        };
        let removed = *removed;
        let known = match found {
            Known::Unreadable { why: now, .. } if now == *why => return,
            Known::Unreadable { why, .. } => Known::Unreadable { why, removed },
            Known::Written(record) if removed => without_file(record),
            Known::Unwritten(record, _) if removed => without_file(record),
            known => known,
        };
        tell(name, &known);
        all.insert(name.clone(), known);
    }

    /// Notes that a plugin's file is gone whose record cannot be read.
    pub(crate) fn note_removal(&self, name: &str) {
        if let Some(Known::Unreadable { removed, .. }) = self.lock().get_mut(name) {
            *removed = true;
        }
    }

    /// Removes components that no record names; returns the versions whose compiled code is worth
    /// keeping. Does nothing while a record cannot be read or written: who knows what it names on disk.
    pub(crate) fn clean(&self) -> io::Result<Option<HashSet<String>>> {
        let all = self.all();
        let records = all.values().map(|known| match known {
            Known::Written(record) => Some(record),
            _ => None,
        });
        let Some(records) = records.collect::<Option<Vec<_>>>() else {
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
        Found::Copied(record, why) => Known::Unwritten(Arc::new(record), why),
        Found::Unreadable(why) => Known::Unreadable {
            why,
            removed: false,
        },
    }
}

/// A record that was put back after the plugin's file went.
fn without_file(record: Arc<Record>) -> Known {
    // Of what was forgotten there is nothing to note.
    if record.kept().is_empty() {
        return Known::Written(record);
    }
    let mut record = Arc::unwrap_or_clone(record);
    record.remove();
    let why = "the plugin's file went while its record could not be read".to_owned();
    Known::Unwritten(Arc::new(record), why)
}

/// Tells the log what was found of a plugin.
fn tell(plugin: &str, known: &Known) {
    match known {
        Known::Written(_) => {}
        Known::Unwritten(_, why) => {
            tracing::warn!(plugin, why, "a plugin's record is to be written anew");
        }
        Known::Unreadable { why, .. } => {
            tracing::error!(plugin, why, "a plugin's record cannot be read");
        }
    }
}
