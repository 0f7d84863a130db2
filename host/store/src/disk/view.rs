//! The view over sled. Values over one chunk continue under keys of their own.
//!
//! The chunks of a value's successor are written beside its own, in the other of two generations;
//! then its first chunk decides, and the old ones go.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use sled::IVec;
use wasmill_port::store::{Change, Error, View};

use super::{
    database::{Cause, Database},
    journal,
    keys::{self, KEY_BYTES_MAX},
};
use crate::frame::{self, CHUNK_BYTES_MAX};

/// The first byte of a value that is whole. The other tags are the generations of chunks.
const WHOLE: u8 = 0;
const GENERATIONS: [u8; 2] = [1, 2];
/// How many changes are applied in one hold of the database.
const SLICE: usize = 64;

/// The view of a sled database. Cheap to clone.
///
/// Reads see what is written at once, durable or not, and a checkpoint bit by bit. When a write
/// fails, all operations do until the log is acquired again, and what was not durable may be lost.
#[derive(Clone, Debug)]
pub struct SledView {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    database: Arc<Database>,
    /// Held while writing: a journal and the settling of chunks assume that nothing comes between.
    writing: Mutex<()>,
    /// Held for reading while chunks are gathered, for writing while they are replaced.
    chunks: RwLock<()>,
}

impl SledView {
    pub(super) fn new(database: Arc<Database>) -> Self {
        let shared = Shared {
            database,
            writing: Mutex::new(()),
            chunks: RwLock::new(()),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    fn apply(&self, what: &str, changes: &[Change]) -> Result<(), Error> {
        for slice in changes.chunks(SLICE) {
            let bytes = slice.iter().map(size).sum();
            self.shared.database.write(what, bytes, |tree| {
                slice
                    .iter()
                    .try_for_each(|change| self.apply_one(tree, change))
            })?;
        }
        Ok(())
    }

    fn apply_one(&self, tree: &sled::Db, change: &Change) -> Result<(), Cause> {
        let is_large = |value: &Bytes| value.len() > CHUNK_BYTES_MAX;
        let chunked = change.value.as_ref().is_some_and(is_large)
            || generation(tree.get(keys::value(&change.key))?.as_ref()).is_some();
        let _exclusive = chunked.then(|| {
            self.shared
                .chunks
                .write()
                .unwrap_or_else(PoisonError::into_inner)
        });
        apply(tree, change)
    }

    fn read_chunked(&self, tree: &sled::Db, key: &[u8]) -> Result<Option<Bytes>, Cause> {
        let _shared = self
            .shared
            .chunks
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        // It may have been replaced before we held the chunks still.
        let Some(found) = tree.get(keys::value(key))? else {
            return Ok(None);
        };
        let Some(generation) = generation(Some(&found)) else {
            return whole(&found).map(Some);
        };
        let read = |chunk| Ok::<_, Cause>(tree.get(keys::chunk(key, generation, chunk))?);
        frame::join(&found[1..], read).map(Some)
    }

    fn load(&self, tree: &sled::Db, key: &[u8], found: &IVec) -> Result<Option<Bytes>, Cause> {
        match generation(Some(found)) {
            None => whole(found).map(Some),
            Some(_) => self.read_chunked(tree, key),
        }
    }
}

impl View for SledView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error> {
        self.shared.database.read("read the view", |tree| {
            match tree.get(keys::value(key))? {
                Some(found) => self.load(tree, key, &found),
                None => Ok(None),
            }
        })
    }

    fn scan(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Bytes)>, Error> {
        let prefix = keys::value(prefix);
        let from = keys::value(from).max(prefix.clone());
        self.shared.database.read("scan the view", |tree| {
            let mut found = Vec::new();
            for entry in tree.range(from..) {
                if found.len() == limit {
                    break;
                }
                let (key, value) = entry?;
                if !key.starts_with(&prefix) {
                    break;
                }
                let key = key[keys::VALUES.len()..].to_vec();
                // It may be gone by the time its chunks are gathered.
                if let Some(value) = self.load(tree, &key, &value)? {
                    found.push((key, value));
                }
            }
            Ok(found)
        })
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), Error> {
        let _writing = self
            .shared
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.check(&changes)?;
        self.apply("write to the view", &changes)
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), Error> {
        const WHAT: &str = "commit to the view";
        let _writing = self
            .shared
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.check(&changes)?;
        let database = &self.shared.database;
        // One change is atomic by itself.
        if changes.len() > 1 {
            let bytes = changes.iter().map(size).sum();
            database.write(WHAT, bytes, |tree| journal::write(tree, &changes))?;
            self.apply(WHAT, &changes)?;
            database.write(WHAT, 0, journal::remove)?;
        } else {
            self.apply(WHAT, &changes)?;
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), Error> {
        self.shared.database.sync("sync the view")
    }
}

impl SledView {
    fn check(&self, changes: &[Change]) -> Result<(), Error> {
        match changes
            .iter()
            .find(|change| change.key.len() > KEY_BYTES_MAX)
        {
            None => Ok(()),
            Some(change) => self
                .shared
                .database
                .read("write to the view", |_| Err(Cause::Key(change.key.len()))),
        }
    }
}

/// Finishes or undoes what a crash interrupted.
pub(super) fn recover(tree: &sled::Db) -> Result<(), Cause> {
    if let Some(key) = tree.get(keys::SETTLING)? {
        settle(tree, &key)?;
    }
    journal::replay(tree)
}

/// Applies `change` with nothing coming between.
pub(super) fn apply(tree: &sled::Db, change: &Change) -> Result<(), Cause> {
    let key = keys::value(&change.key);
    let old = generation(tree.get(&key)?.as_ref());
    let new = change
        .value
        .as_ref()
        .filter(|value| value.len() > CHUNK_BYTES_MAX);
    if old.is_some() || new.is_some() {
        // So that a crash leaves no chunk behind that nobody knows of.
        tree.insert(keys::SETTLING, change.key.as_slice())?;
    }
    match (&change.value, new) {
        (_, Some(large)) => {
            let generation = if old == Some(GENERATIONS[0]) {
                GENERATIONS[1]
            } else {
                GENERATIONS[0]
            };
            let chunks = frame::split(large);
            for (number, chunk) in &chunks[1..] {
                let key = keys::chunk(&change.key, generation, *number);
                tree.insert(key, chunk.as_slice())?;
            }
            tree.insert(key, tagged(generation, &chunks[0].1))?;
        }
        (Some(small), None) => drop(tree.insert(key, tagged(WHOLE, small))?),
        (None, None) => drop(tree.remove(key)?),
    }
    if old.is_some() || new.is_some() {
        settle(tree, &change.key)?;
    }
    Ok(())
}

/// Deletes the chunks of `key` that its value does not continue with.
pub(super) fn settle(tree: &sled::Db, key: &[u8]) -> Result<(), Cause> {
    let live = generation(tree.get(keys::value(key))?.as_ref());
    let prefix = keys::chunks(key);
    for chunk in tree.scan_prefix(&prefix).keys() {
        let chunk = chunk?;
        if chunk.get(prefix.len()).copied() != live {
            tree.remove(chunk)?;
        }
    }
    tree.remove(keys::SETTLING)?;
    Ok(())
}

/// The generation of the chunks that the stored `value` continues with.
fn generation(value: Option<&IVec>) -> Option<u8> {
    value
        .and_then(|value| value.first().copied())
        .filter(|tag| *tag != WHOLE)
}

fn whole(value: &IVec) -> Result<Bytes, Cause> {
    match value.split_first() {
        Some((&WHOLE, value)) => Ok(Bytes::copy_from_slice(value)),
        _ => Err(Cause::Corrupt("damaged: a value has no tag".into())),
    }
}

fn tagged(tag: u8, bytes: &[u8]) -> IVec {
    let mut value = Vec::with_capacity(1 + bytes.len());
    value.push(tag);
    value.extend_from_slice(bytes);
    value.into()
}

fn size(change: &Change) -> usize {
    change.key.len() + change.value.as_ref().map_or(0, Bytes::len)
}
