//! What is kept under a key.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::halves::HalfMessage;
use crate::limits::{STATE_SCAN_BYTES_MAX, STATE_SCAN_COUNT_MAX};
use crate::{Alarm, Failure, HalfState, retry};

/// State, timers, dedup claims and half messages of a key.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub(super) entries: BTreeMap<String, Vec<u8>>,
    pub(super) timers: BTreeMap<String, Timer>,
    /// Until when.
    pub(super) claims: BTreeMap<String, u64>,
    pub(super) halves: BTreeMap<String, HalfMessage>,
}

/// A pending timer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timer {
    /// When it rings, in milliseconds since the Unix epoch.
    pub due: u64,
    /// The message that it then is.
    pub alarm: Alarm,
    /// The id of that message.
    pub(super) id: String,
}

impl Scope {
    pub(super) const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            timers: BTreeMap::new(),
            claims: BTreeMap::new(),
            halves: BTreeMap::new(),
        }
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            entries,
            timers,
            claims,
            halves,
        } = self;
        entries.is_empty() && timers.is_empty() && claims.is_empty() && halves.is_empty()
    }

    /// The value of a state entry.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.entries.get(name).map(Vec::as_slice)
    }

    /// The value of a state entry that is JSON.
    ///
    /// # Errors
    /// A failure if it is no `T`.
    pub fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let value = self.get(name).map(serde_json::from_slice).transpose();
        value.map_err(|error| retry(format!("state `{name}` cannot be read: {error}")))
    }

    /// Writes a state entry as JSON.
    ///
    /// # Errors
    /// A failure if `value` has no representation in JSON.
    pub fn save<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Failure> {
        let value = serde_json::to_vec(value)?;
        self.entries.insert(name.to_owned(), value);
        Ok(())
    }

    /// Names of the state's entries, in byte order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The pending timer of this name.
    #[must_use]
    pub fn timer(&self, name: &str) -> Option<&Timer> {
        self.timers.get(name)
    }

    /// Names of the pending timers, in byte order.
    pub fn timers(&self) -> impl Iterator<Item = &str> {
        self.timers.keys().map(String::as_str)
    }

    /// Until when an id is claimed, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn claimed_until(&self, id: &str) -> Option<u64> {
        self.claims.get(id).copied()
    }

    /// The state of the half message of this name, until a handler settles it or hears of it.
    #[must_use]
    pub fn half(&self, name: &str) -> Option<HalfState> {
        self.halves.get(name).map(|half| half.state)
    }

    pub(super) fn scan(
        &self,
        prefix: &str,
        start_after: Option<&str>,
        limit: u32,
    ) -> Vec<(String, Vec<u8>)> {
        let limit = limit.min(STATE_SCAN_COUNT_MAX) as usize;
        let from = match start_after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let matching = self.entries.range::<str, _>((from, Bound::Unbounded));
        let matching = matching.take_while(|(name, _)| name.starts_with(prefix));
        let mut bytes = 0;
        let page = matching
            .take(limit)
            .enumerate()
            .take_while(|(nth, (_, value))| {
                bytes += value.len();
                *nth == 0 || bytes <= STATE_SCAN_BYTES_MAX
            });
        page.map(|(_, (name, value))| (name.clone(), value.clone()))
            .collect()
    }
}
