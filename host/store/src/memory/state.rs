//! What a store in memory holds, and which of it is durable.

use std::collections::BTreeMap;

use bytes::Bytes;
use wasmill_port::store::{BlockNumber, Change, Error};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Fault;

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) epoch: u64,
    /// Whether the writer of `epoch` may write.
    pub(super) acquired: bool,
    pub(super) blocks: BTreeMap<BlockNumber, Bytes>,
    pub(super) first: BlockNumber,
    pub(super) next: BlockNumber,
    /// What reads of the view see.
    pub(super) view: BTreeMap<Vec<u8>, Bytes>,
    /// What they would see if all that is volatile were lost.
    durable_view: BTreeMap<Vec<u8>, Bytes>,
    durable_first: BlockNumber,
    /// What was written since, in its order; each is kept or lost as a whole.
    volatile: Vec<Vec<Change>>,
    pub(super) operations: u64,
    pub(super) faults: BTreeMap<u64, Fault>,
    /// Faults that struck.
    pub(super) failures: u64,
    pub(super) crashed: bool,
    stopped: bool,
    seed: u64,
    draws: u64,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    /// Counts a read, which may fail.
    pub(super) fn read<R>(
        &mut self,
        what: &str,
        read: impl FnOnce(&Self) -> R,
    ) -> Result<R, Error> {
        let fault = self.count();
        self.check(what)?;
        match fault {
            Some(_) => Err(injected(what, fault)),
            None => Ok(read(self)),
        }
    }

    /// Counts a write. When it fails the store stops.
    pub(super) fn write<R>(
        &mut self,
        what: &str,
        write: impl FnOnce(&mut Self) -> R,
    ) -> Result<R, Error> {
        let fault = self.count();
        self.check(what)?;
        let written = (fault != Some(Fault::Before)).then(|| write(self));
        match (written, fault) {
            (Some(written), None) => Ok(written),
            _ => {
                self.stopped = true;
                self.acquired = false;
                Err(injected(what, fault))
            }
        }
    }

    /// Works again after having stopped, without some of what was volatile.
    pub(super) fn resume(&mut self) {
        if std::mem::take(&mut self.stopped) {
            self.lose();
        }
    }

    pub(super) fn restart(&mut self, seed: u64) {
        (self.seed, self.draws) = (seed, 0);
        self.faults.clear();
        self.operations = 0;
        self.failures = 0;
        self.stopped = false;
        self.acquired = false;
        self.lose();
    }

    /// Writes to the view, atomically.
    pub(super) fn apply(&mut self, changes: Vec<Change>) {
        changes
            .iter()
            .for_each(|change| put(&mut self.view, change));
        self.volatile.push(changes);
    }

    /// Makes all that was written to the view durable.
    pub(super) fn sync_view(&mut self) {
        for change in self.volatile.drain(..).flatten() {
            put(&mut self.durable_view, &change);
        }
    }

    /// Makes all that was done to the log durable.
    pub(super) fn sync_log(&mut self) {
        self.durable_first = self.first;
        self.blocks = self.blocks.split_off(&self.first);
    }

    fn lose(&mut self) {
        let volatile = std::mem::take(&mut self.volatile);
        let kept = self.draw() % (volatile.len() as u64 + 1);
        for change in volatile.into_iter().take(kept as usize).flatten() {
            put(&mut self.durable_view, &change);
        }
        if self.draw() % 2 == 1 {
            self.durable_first = self.first;
        }
        self.first = self.durable_first;
        self.view = self.durable_view.clone();
    }

    fn check(&self, what: &str) -> Result<(), Error> {
        if self.crashed {
            Err(Error::new(
                what,
                "the store in memory crashed; use what the crash returned",
            ))
        } else if self.stopped {
            Err(Error::new(
                what,
                "stopped after an earlier write failed; acquire the log again",
            ))
        } else {
            Ok(())
        }
    }

    fn count(&mut self) -> Option<Fault> {
        let fault = self.faults.remove(&self.operations);
        self.operations += 1;
        self.failures += u64::from(fault.is_some());
        fault
    }

    fn draw(&mut self) -> u64 {
        self.draws += 1;
        xxh3_64_with_seed(&self.draws.to_le_bytes(), self.seed)
    }
}

fn injected(what: &str, fault: Option<Fault>) -> Error {
    Error::new(what, format!("a fault was asked for ({fault:?})"))
}

fn put(map: &mut BTreeMap<Vec<u8>, Bytes>, change: &Change) {
    match &change.value {
        Some(value) => map.insert(change.key.clone(), value.clone()),
        None => map.remove(&change.key),
    };
}
