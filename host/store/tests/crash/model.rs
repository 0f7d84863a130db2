//! What must be there after a cut: everything acknowledged, and of the rest all up to some point.

use std::{collections::BTreeMap, path::Path};

use bytes::Bytes;
use wasmill_port::store::{BlockNumber, Change, Log, View};
use wasmill_store::{DataDir, Options, Settings, Sled};

use crate::scenario::Scenario;

/// What the scenario began or saw acknowledged.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    /// The append of this block began.
    Appending(BlockNumber),
    /// It was acknowledged.
    Appended(BlockNumber),
    /// The log may be trimmed up to here.
    Trimming(BlockNumber),
    /// These changes are written to the view, each by itself.
    Writing(Vec<Change>),
    /// These changes are written to the view as one.
    Committing(Vec<Change>),
    /// All of the view's changes are durable.
    Synced,
}

/// What the facts so far amount to.
#[derive(Clone)]
pub(crate) struct Model {
    scenario: Scenario,
    /// The number after the last block that was acknowledged, and after the last that was begun.
    acknowledged: BlockNumber,
    begun: BlockNumber,
    trimmed: BlockNumber,
    durable: BTreeMap<Vec<u8>, Bytes>,
    /// Each is kept or lost as a whole.
    volatile: Vec<Vec<Change>>,
}

impl Model {
    /// Nothing has happened yet.
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            acknowledged: 0,
            begun: 0,
            trimmed: 0,
            durable: BTreeMap::new(),
            volatile: Vec::new(),
        }
    }

    /// Takes the next fact.
    pub(crate) fn learn(&mut self, fact: &Fact) {
        match fact {
            Fact::Appending(number) => self.begun = number + 1,
            Fact::Appended(number) => self.acknowledged = number + 1,
            Fact::Trimming(before) => self.trimmed = *before,
            Fact::Writing(changes) => {
                let changes = changes.iter().map(|change| vec![change.clone()]);
                self.volatile.extend(changes);
            }
            Fact::Committing(changes) => self.volatile.push(changes.clone()),
            Fact::Synced => {
                for changes in self.volatile.drain(..) {
                    apply(&mut self.durable, &changes);
                }
            }
        }
    }

    /// Opens the store in `directory` and says what is wrong with it, if anything is.
    pub(crate) fn check(&self, directory: &Path) -> Result<(), String> {
        let dir = DataDir::open(directory, Settings::default()).map_err(said)?;
        let (mut log, view) = Sled::open(&dir, &Options::default()).map_err(said)?;
        self.check_log(&mut log)?;
        self.check_view(&view)?;
        view.checkpoint(vec![Change::put(b"after".to_vec(), Bytes::new())])
            .map_err(said)
    }

    fn check_log(&self, log: &mut impl Log) -> Result<(), String> {
        let acquired = log.acquire().map_err(said)?;
        let (first, next) = (acquired.first, acquired.next);
        let block = |number| self.scenario.block(number);
        if next < self.acknowledged || next > self.begun {
            let Self {
                acknowledged,
                begun,
                ..
            } = self;
            return Err(format!(
                "the log ends before block {next}; {acknowledged} were acknowledged, {begun} begun"
            ));
        }
        if first > self.trimmed {
            return Err(format!("trimmed up to block {first}, not {}", self.trimmed));
        }
        for number in first..next {
            match log.read(number).map_err(said)? {
                Some(found) if found == block(number) => {}
                Some(_) => return Err(format!("block {number} is another")),
                None => return Err(format!("block {number} is missing from {first}..{next}")),
            }
        }
        if log.read(next).map_err(said)?.is_some() {
            return Err(format!("there is a block {next} after the last one"));
        }
        // It goes on from there.
        log.append(acquired.epoch, next, &block(next))
            .map_err(said)?;
        match log.read(next).map_err(said)? == Some(block(next)) {
            true => Ok(()),
            false => Err(format!("block {next} was appended again and is another")),
        }
    }

    fn check_view(&self, view: &impl View) -> Result<(), String> {
        let found = view.scan(b"", b"", usize::MAX).map_err(said)?;
        let found: BTreeMap<_, _> = found.into_iter().collect();
        let mut expected = self.durable.clone();
        let mut fits = expected == found;
        for changes in &self.volatile {
            apply(&mut expected, changes);
            fits |= expected == found;
        }
        let about = |map: &BTreeMap<Vec<u8>, Bytes>| {
            let key = |(key, value): (&Vec<u8>, &Bytes)| {
                format!("{}={}", String::from_utf8_lossy(key), value.len())
            };
            map.iter().map(key).collect::<Vec<_>>().join(" ")
        };
        fits.then_some(()).ok_or_else(|| {
            format!(
                "the view is not what it was at any time since the sync: {}; then {}, and {} changes",
                about(&found),
                about(&self.durable),
                self.volatile.len()
            )
        })
    }
}

fn apply(map: &mut BTreeMap<Vec<u8>, Bytes>, changes: &[Change]) {
    for change in changes {
        match &change.value {
            Some(value) => map.insert(change.key.clone(), value.clone()),
            None => map.remove(&change.key),
        };
    }
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
