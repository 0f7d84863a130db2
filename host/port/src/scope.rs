//! A key's state as one handler sees it: its own writes, over those of handlers before it that
//! are not in the view yet, over the view.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use wasmill_model::effects::Scope;
use wasmill_model::{Name, limits, reserved};

use crate::call::{CallError, names};
use crate::store;

/// Entries that a guest's scan reads at once.
const SCAN_BATCH: usize = 32;

/// Entries of a scope that are newer than the view: none is a deleted name.
pub type Entries = BTreeMap<Name, Option<Bytes>>;

/// Reads a scope's entries from the view.
pub trait StateReader: Send + Sync + 'static {
    /// The value of `name`.
    fn get(&self, scope: &Scope, name: &str) -> Result<Option<Bytes>, store::Error>;

    /// Entries whose names begin with `prefix`, after `after` if given, in byte order; at most
    /// `limit` of them.
    fn scan(
        &self,
        scope: &Scope,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(Name, Bytes)>, store::Error>;
}

/// The state of one scope, with a handler's writes on top.
#[derive(Clone)]
pub struct ScopeState {
    scope: Scope,
    /// What earlier calls of the same run wrote: committed to the engine only after the run.
    earlier: Entries,
    /// What is committed but not in the view yet, as of the run's start.
    recent: Arc<Entries>,
    reader: Arc<dyn StateReader>,
    written: Entries,
    /// Bytes written for a query.
    query_bytes: usize,
}

impl ScopeState {
    /// The state of `scope`, of which `recent` is newer than what `reader` reads.
    #[must_use]
    pub fn new(scope: Scope, recent: Arc<Entries>, reader: Arc<dyn StateReader>) -> Self {
        Self {
            scope,
            earlier: Entries::new(),
            recent,
            reader,
            written: Entries::new(),
            query_bytes: 0,
        }
    }

    /// Whose state this is.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Result<Option<Bytes>, store::Error> {
        match self.layers().into_iter().find_map(|layer| layer.get(name)) {
            Some(value) => Ok(value.clone()),
            None => self.reader.get(&self.scope, name),
        }
    }

    /// Writes `name`; none deletes it.
    pub fn set(&mut self, name: Name, value: Option<Bytes>) {
        self.written.insert(name, value);
    }

    /// Entries whose names begin with `prefix`, after `after` if given; at most `limit`.
    pub fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(Name, Bytes)>, store::Error> {
        let mut newer = Entries::new();
        for layer in self.layers().into_iter().rev() {
            let matching = layer
                .range::<str, _>((Bound::Included(prefix), Bound::Unbounded))
                .take_while(|(name, _)| name.starts_with(prefix))
                .filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
            newer.extend(matching.map(|(name, value)| (name.clone(), value.clone())));
        }
        // Each newer entry hides at most one of the view's.
        let stored = self
            .reader
            .scan(&self.scope, prefix, after, limit + newer.len())?;
        let mut merged: Entries = stored
            .into_iter()
            .map(|(name, value)| (name, Some(value)))
            .collect();
        merged.extend(newer);
        let present = merged
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        Ok(present.take(limit).collect())
    }

    /// The value of `name`, as a guest may ask for it.
    ///
    /// # Errors
    /// [`CallError`] for a malformed name, or if the store cannot be read.
    pub fn get_for_guest(&self, name: &str) -> Result<Option<Bytes>, CallError> {
        names::check(name)?;
        Ok(self.get(name)?)
    }

    /// What a guest's `state.scan` returns: at most [`limits::STATE_SCAN_COUNT_MAX`] entries and
    /// [`limits::STATE_SCAN_BYTES_MAX`] bytes of values, without the host's own entries.
    ///
    /// # Errors
    /// [`CallError`] if the store cannot be read.
    pub fn scan_for_guest(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Name, Bytes)>, CallError> {
        let limit = limit.min(limits::STATE_SCAN_COUNT_MAX) as usize;
        // Without a prefix the host's own entries come first: begin after them.
        let mut after = after.max(Some(reserved::LAST)).map(Name::from);
        let (mut found, mut bytes) = (Vec::new(), 0);
        while found.len() < limit {
            // A few at a time: what is beyond the bound need not be read.
            let batch = self.scan(
                prefix,
                after.as_deref(),
                SCAN_BATCH.min(limit - found.len()),
            )?;
            let Some((last, _)) = batch.last() else { break };
            after = Some(last.clone());
            for (name, value) in batch {
                bytes += value.len();
                if bytes > limits::STATE_SCAN_BYTES_MAX && !found.is_empty() {
                    return Ok(found);
                }
                found.push((name, value));
            }
        }
        Ok(found)
    }

    /// Writes an entry that is never committed, for a query that reads it. `bytes_max` bounds all
    /// of them together.
    ///
    /// # Errors
    /// [`CallError`] for a malformed name, or over a limit.
    pub fn put_for_query(
        &mut self,
        name: &str,
        value: Option<Bytes>,
        bytes_max: usize,
    ) -> Result<(), CallError> {
        let bytes = names::check_entry(name, value.as_ref())?;
        let total = self.query_bytes.saturating_add(bytes);
        limits::within("bytes written per call", total, bytes_max)?;
        self.query_bytes = total;
        self.set(name.into(), value);
        Ok(())
    }

    /// Whether a plugin's entry was written since the last call began.
    pub(crate) fn has_written(&self) -> bool {
        self.written.keys().any(|name| is_plugins(name))
    }

    /// Whether the plugin has an entry here.
    pub(crate) fn has_entries(&self) -> Result<bool, store::Error> {
        let mut written = self.written.iter();
        if written.any(|(name, value)| is_plugins(name) && value.is_some()) {
            return Ok(true);
        }
        Ok(!self.scan("", Some(reserved::LAST), 1)?.is_empty())
    }

    /// Takes what was written since the last call began, to be committed, and keeps it visible.
    pub(crate) fn commit(&mut self) -> Vec<(Name, Option<Bytes>)> {
        let written = std::mem::take(&mut self.written);
        self.earlier.extend(
            written
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        written.into_iter().collect()
    }

    /// Keeps an entry visible that is committed already.
    pub(crate) fn keep(&mut self, name: Name, value: Bytes) {
        self.earlier.insert(name, Some(value));
    }

    /// Forgets what was written since the last call began.
    pub(crate) fn roll_back(&mut self) {
        self.written.clear();
    }

    /// The layers over the view, newest first.
    fn layers(&self) -> [&Entries; 3] {
        [&self.written, &self.earlier, &self.recent]
    }
}

/// Whether an entry is the plugin's, and not the host's own.
fn is_plugins(name: &str) -> bool {
    !name.starts_with('\0')
}
