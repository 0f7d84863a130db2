//! Dead letters: read in the view and the engine, and acted upon some time later.

use std::collections::BTreeMap;

use wasmill_engine::{LetterId, Redrive, RedriveError, dead_letters, layout};
use wasmill_model::record::DeadLetter;
use wasmill_model::{Name, PartitionId};
use wasmill_port::Clock;
use wasmill_port::store::View;

use super::{Dead, Host, PARTITIONS};
use crate::jobs::Act;

/// A letter as it was read at a version of its partition.
#[derive(Debug)]
pub(crate) struct Held {
    id: LetterId,
    letter: DeadLetter,
    version: u64,
}

impl Held {
    /// Its name.
    pub(crate) fn id(&self) -> &LetterId {
        &self.id
    }

    /// What it says.
    pub(crate) fn letter(&self) -> &DeadLetter {
        &self.letter
    }
}

impl Host {
    /// The dead letters of a subscription.
    pub(crate) fn letters(&self, of: &str) -> Result<Vec<(LetterId, DeadLetter)>, Dead> {
        let of = Name::from(of);
        let mut all = Vec::new();
        for partition in (0..PARTITIONS).map(PartitionId) {
            let prefix = layout::dead_letters(partition, Some(&of));
            let found = self.view.scan(&prefix, &prefix, usize::MAX);
            let mut letters = BTreeMap::new();
            for (_, value) in found.map_err(|_| Dead)? {
                let letter = dead_letters::read(&value).expect("a dead letter of ours");
                letters.insert(letter.seq, letter);
            }
            let newer = self.engine.recent_dead_letters(partition, Some(&of), None);
            for (id, letter) in newer {
                match letter {
                    Some(letter) => drop(letters.insert(id.seq, letter)),
                    None => drop(letters.remove(&id.seq)),
                }
            }
            let name = |(seq, letter)| {
                let subscription = of.clone();
                let id = LetterId {
                    partition,
                    subscription,
                    seq,
                };
                (id, letter)
            };
            all.extend(letters.into_iter().map(name));
        }
        Ok(all)
    }

    /// Reads a letter, to act upon it; none if it is gone.
    pub(crate) fn read_letter(&self, id: &LetterId) -> Result<Option<Held>, Dead> {
        let mut letters = self.letters(&id.subscription)?.into_iter();
        let found = letters.find(|(it, _)| it == id);
        Ok(found.map(|(id, letter)| Held {
            version: self.version(id.partition),
            id,
            letter,
        }))
    }

    /// Redrives or purges a letter; false if it is gone.
    pub(crate) fn act_on_letter(&mut self, mut held: Held, act: Act) -> Result<bool, Dead> {
        let version = self.version(held.id.partition);
        if !self.sabotage.still_holds(held.version, version) {
            match self.read_letter(&held.id)? {
                Some(read) => held = read,
                None => return Ok(false),
            }
        }
        let (partition, letter, now) = (held.id.partition, &held.letter, self.clock.now());
        let done = match act {
            Act::Purge => self.engine.purge(partition, letter, now),
            Act::Redrive | Act::RedriveTo(_) | Act::RedriveThrough(_) => {
                let mut redrive = Redrive::default();
                match act {
                    Act::RedriveTo(to) => redrive.to = Some(to.into()),
                    Act::RedriveThrough(version) => redrive.version = Some(version.into()),
                    _ => {}
                }
                match self.engine.redrive(partition, letter, &redrive, now) {
                    Ok(()) => true,
                    Err(RedriveError::Gone) => false,
                    Err(refused) => panic!("letter {} cannot be redriven: {refused}", held.id),
                }
            }
        };
        self.collect();
        Ok(done)
    }
}
