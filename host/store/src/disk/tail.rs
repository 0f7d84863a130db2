//! The tail: the small blocks at the log's end, each an entry of its own, until they make a pack.
//!
//! sled writes a node of its tree anew at every tenth write to it, with all the values in it.
//! Adding each block to a pack in place would write the pack and a tenth of its sixteen
//! neighbours for every block (measured at 10 KiB: fourteen bytes written for each appended,
//! against four). The entries of the tail are few and small, lie in a tree of their own, and are
//! overwritten by the next tail's.

use std::collections::BTreeMap;

use bytes::Bytes;
use wasmill_port::store::BlockNumber;

use super::{database::Cause, packs};
use crate::frame;

/// The tree of the entries.
const TREE: &[u8] = b"tail";
/// Larger blocks, of which few make a pack, are not worth writing twice.
const BLOCK_BYTES_MAX: usize = 12 * 1024;
/// The most entries. More would make better packs of tiny blocks, and be more to read when the
/// log is acquired.
const COUNT_MAX: u8 = 128;
const NUMBER_BYTES: usize = size_of::<BlockNumber>();

/// The pack that the tail's blocks will make.
#[derive(Debug, Default)]
pub(super) struct Tail {
    first: BlockNumber,
    count: u8,
    pack: Vec<u8>,
}

impl Tail {
    /// The blocks from `next` on that `db` has no pack of.
    pub(super) fn read(db: &sled::Db, next: BlockNumber) -> Result<Self, Cause> {
        let mut tail = Self::default();
        for entry in db.open_tree(TREE)?.iter().values() {
            let (number, block) = parse(&entry?)?;
            let expected = next + BlockNumber::from(tail.count);
            if number > expected {
                let cause = format!("damaged: block {expected} is missing");
                return Err(Cause::Corrupt(cause));
            }
            // Entries of an earlier tail.
            if number < expected {
                break;
            }
            tail.push(number, &block);
        }
        Ok(tail)
    }

    /// The number of the block after the tail's last one, if there is any.
    pub(super) fn next(&self) -> Option<BlockNumber> {
        (self.count > 0).then(|| self.first + BlockNumber::from(self.count))
    }

    /// Whether a block of so many bytes, and any block for an empty tail, still fits.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let fits = packs::fits(&self.pack, bytes) && self.count < COUNT_MAX;
        fits || self.count == 0
    }

    /// Adds a block, and returns the entry to be written; or none, if the tail is to be written as
    /// a pack.
    pub(super) fn push(&mut self, number: BlockNumber, block: &[u8]) -> Option<Entry> {
        if self.count == 0 {
            self.first = number;
        }
        packs::push(&mut self.pack, block);
        let at = self.count;
        self.count += 1;
        (block.len() <= BLOCK_BYTES_MAX).then(|| {
            let body = [&number.to_le_bytes()[..], block].concat();
            let (_, value) = frame::split(&body).swap_remove(0);
            Entry { at, value }
        })
    }

    /// Empties the tail: returns the number of its first block and the pack, if there is any.
    pub(super) fn take(&mut self) -> Option<(BlockNumber, Vec<u8>)> {
        let Self { first, count, pack } = std::mem::take(self);
        (count > 0).then_some((first, pack))
    }
}

/// A block of the tail, as it is written.
pub(super) struct Entry {
    at: u8,
    pub(super) value: Vec<u8>,
}

impl Entry {
    /// Writes it.
    pub(super) fn write(self, db: &sled::Db) -> Result<(), Cause> {
        db.open_tree(TREE)?.insert([self.at], self.value)?;
        Ok(())
    }
}

/// Block `number`, if the tail has it.
pub(super) fn find(db: &sled::Db, number: BlockNumber) -> Result<Option<Bytes>, Cause> {
    for entry in db.open_tree(TREE)?.iter().values() {
        let (found, block) = parse(&entry?)?;
        if found == number {
            return Ok(Some(block));
        }
    }
    Ok(None)
}

/// The blocks of the tail, and those of earlier tails that were not overwritten yet.
pub(super) fn blocks(db: &sled::Db) -> Result<BTreeMap<BlockNumber, Bytes>, Cause> {
    db.open_tree(TREE)?
        .iter()
        .values()
        .map(|entry| parse(&entry?))
        .collect()
}

fn parse(entry: &[u8]) -> Result<(BlockNumber, Bytes), Cause> {
    let body = frame::join::<Cause>(entry, |_| Ok(None))?;
    match body.first_chunk() {
        Some(number) => Ok((
            BlockNumber::from_le_bytes(*number),
            body.slice(NUMBER_BYTES..),
        )),
        None => Err(Cause::Corrupt(
            "damaged: an entry of the log's tail is cut short".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_makes_a_pack_when_it_is_full_or_a_large_block_comes() {
        let mut tail = Tail::default();
        assert!(tail.take().is_none());
        assert!(tail.has_room(1 << 20));
        assert_eq!(tail.push(7, b"seven").unwrap().at, 0);
        assert_eq!(tail.push(8, b"").unwrap().at, 1);
        assert!(tail.has_room(20_000) && !tail.has_room(1 << 20));
        assert!(tail.push(9, &[9; 20_000]).is_none());
        let (first, pack) = tail.take().unwrap();
        assert_eq!((first, packs::count(&pack.into()).unwrap()), (7, 3));

        for number in 10..10 + u64::from(COUNT_MAX) {
            assert!(tail.has_room(0));
            assert!(tail.push(number, b"").is_some());
        }
        assert!(!tail.has_room(0));
        assert_eq!(tail.take().unwrap().0, 10);
    }

    #[test]
    fn an_entry_says_which_block_it_holds() {
        let entry = Tail::default().push(7, b"seven").unwrap();
        assert_eq!(parse(&entry.value).unwrap(), (7, "seven".into()));
        assert!(parse(&entry.value[..20]).is_err());
        assert!(parse(&frame::split(b"short")[0].1).is_err());
    }
}
