//! Slots: the places of a log's chunks, used again and again.
//!
//! A chunk that overwrites another one leaves the tree as it is. Under keys of their own chunks
//! would split its nodes at one end and merge them at the other, and sled writes a node anew, with
//! all its chunks, each time (measured: five bytes written for each appended, against two).

use std::collections::BTreeSet;

use sled::IVec;

use super::{database::Cause, keys};

/// Free slots that are kept however few are in use.
const SPARE_COUNT: usize = 64;

/// Which slots may be written.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// Those whose packs are gone. The lowest is taken first, so that those that are not needed
    /// gather at the end.
    free: BTreeSet<u32>,
    /// From here on all are new.
    next: u32,
}

impl Slots {
    /// The slots that no pack of `tree` uses: those of an append that a crash cut short are free.
    pub(super) fn of(tree: &sled::Db) -> Result<Self, Cause> {
        let mut next = match tree.scan_prefix(keys::SLOTS).keys().next_back() {
            Some(key) => 1 + number(&key?)?,
            None => 0,
        };
        let mut used = Vec::new();
        for entry in tree.scan_prefix(keys::PACKS).values() {
            used.extend(parse(&entry?)?);
        }
        used.sort_unstable();
        next = used.last().map_or(next, |last| next.max(last + 1));
        let is_free = |slot: &u32| used.binary_search(slot).is_err();
        Ok(Self {
            free: (0..next).filter(is_free).collect(),
            next,
        })
    }

    /// How many there are, free ones included.
    pub(super) fn count(&self) -> u32 {
        self.next
    }

    /// Takes `count` slots.
    pub(super) fn take(&mut self, count: usize) -> Vec<u32> {
        let mut take = || match self.free.pop_first() {
            Some(slot) => slot,
            None => {
                self.next += 1;
                self.next - 1
            }
        };
        (0..count).map(|_| take()).collect()
    }

    /// Gives back the slots of a pack that is gone.
    pub(super) fn give_back(&mut self, slots: impl IntoIterator<Item = u32>) {
        self.free.extend(slots);
    }

    /// Gives up a slot, to be deleted, while more are free than in use: sled would carry what they
    /// hold from one piece of its file to the next for ever.
    pub(super) fn give_up(&mut self) -> Option<u32> {
        let last = self.next.checked_sub(1)?;
        let used = self.next as usize - self.free.len();
        let surplus = self.free.len() > used / 8 + SPARE_COUNT && self.free.remove(&last);
        surplus.then(|| {
            self.next = last;
            last
        })
    }
}

/// The slots of a pack, as its entry holds them.
pub(super) fn encode(slots: &[u32]) -> Vec<u8> {
    slots.iter().flat_map(|slot| slot.to_be_bytes()).collect()
}

/// Reads a pack's entry.
pub(super) fn parse(entry: &IVec) -> Result<Vec<u32>, Cause> {
    let (slots, rest) = entry.as_chunks();
    match (slots.is_empty(), rest.is_empty()) {
        (false, true) => Ok(slots.iter().map(|slot| u32::from_be_bytes(*slot)).collect()),
        _ => Err(Cause::Corrupt(
            "damaged: a pack has no list of chunks".into(),
        )),
    }
}

fn number(key: &IVec) -> Result<u32, Cause> {
    keys::parse_slot(key).ok_or_else(|| Cause::Corrupt(format!("damaged: key {key:?} of a chunk")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_slots_are_taken_first_and_then_new_ones() {
        let mut slots = Slots::default();
        assert_eq!(slots.take(3), [0, 1, 2]);
        slots.give_back([1, 2]);
        slots.give_back([0]);
        assert_eq!(slots.take(4), [0, 1, 2, 3]);
        slots.give_back([3]);
        assert_eq!(slots.give_up(), None);
        slots.take(200);
        slots.give_back((3..203).rev());
        let given_up: Vec<_> = std::iter::from_fn(|| slots.give_up()).collect();
        assert_eq!(given_up, (67..203).rev().collect::<Vec<_>>());
        assert_eq!(slots.take(65).last(), Some(&67));
        assert_eq!(parse(&encode(&[7, 1 << 31]).into()).unwrap(), [7, 1 << 31]);
        assert!(parse(&IVec::from(&[0, 0, 0][..])).is_err());
        assert!(parse(&IVec::default()).is_err());
    }
}
