//! Reading the log beside its writer. Nothing is locked: what is trimmed or moved meanwhile is
//! looked for again.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use sled::IVec;
use wasmill_port::store::{BlockNumber, Blocks, Error, Piece};

use super::{
    database::{Cause, Database},
    keys, log, packs, slots, tail,
};

/// How often something is looked for again that the writer moved meanwhile.
const TRIES: usize = 8;

/// A reader of a sled log.
#[derive(Debug)]
pub(super) struct SledBlocks {
    pub(super) database: Arc<Database>,
}

impl Blocks for SledBlocks {
    fn first(&self) -> Result<Option<BlockNumber>, Error> {
        let what = "find the log's first block";
        self.database.read(what, |tree| {
            let trimmed = log::trimmed(tree)?;
            if let Some(first) = tree.scan_prefix(keys::PACKS).keys().next() {
                return Ok(Some(trimmed.max(log::parse(first)?)));
            }
            let tail = tail::blocks(tree)?;
            Ok(tail.first_key_value().map(|(first, _)| trimmed.max(*first)))
        })
    }

    fn piece(&self, number: BlockNumber) -> Result<Option<Piece>, Error> {
        self.database.read(format!("read block {number}"), |tree| {
            for _ in 0..TRIES {
                match look(tree, number)? {
                    Looked::Found(piece) => return Ok(Some(piece)),
                    Looked::Nowhere => return Ok(None),
                    Looked::Moved => {}
                }
            }
            Err(Cause::Corrupt(format!(
                "block {number} was moved each time"
            )))
        })
    }
}

/// What came of looking for a block.
enum Looked {
    Found(Piece),
    /// The writer was there meanwhile.
    Moved,
    Nowhere,
}

fn look(tree: &sled::Db, number: BlockNumber) -> Result<Looked, Cause> {
    if number < log::trimmed(tree)? {
        return Ok(Looked::Nowhere);
    }
    let last = pack_at(tree, number)?;
    if let Some((first, entry)) = &last {
        let opened = open(tree, entry);
        // A pack's entry goes before its slots are used again: if it is still there, what was read
        // is its own.
        if pack_at(tree, number)? != last {
            return Ok(Looked::Moved);
        }
        match opened {
            Ok(blocks) => {
                let end = first + blocks.len() as u64;
                if number < end {
                    return Ok(found(*first, end, Ok(blocks)));
                }
            }
            Err(cause) => {
                // Without a pack after it nobody knows how many blocks it had.
                let next = next_pack(tree, number)?.unwrap_or(number + 1);
                return Ok(found(*first, next, Err(cause.to_string())));
            }
        }
    }
    match around(tail::blocks(tree)?, number) {
        Some(piece) => Ok(Looked::Found(piece)),
        // The tail may have become a pack since.
        None if pack_at(tree, number)? != last => Ok(Looked::Moved),
        None => Ok(Looked::Nowhere),
    }
}

/// The consecutive blocks of a tail with `number` among them.
fn around(mut tail: BTreeMap<BlockNumber, Bytes>, number: BlockNumber) -> Option<Piece> {
    let mut first = number;
    let mut next = number;
    while first > 0 && tail.contains_key(&(first - 1)) {
        first -= 1;
    }
    while tail.contains_key(&next) {
        next += 1;
    }
    let blocks = (first..next).filter_map(|at| tail.remove(&at)).collect();
    (next > number).then_some(Piece {
        first,
        next,
        blocks: Ok(blocks),
    })
}

fn found(first: BlockNumber, next: BlockNumber, blocks: Result<Vec<Bytes>, String>) -> Looked {
    Looked::Found(Piece {
        first,
        next,
        blocks,
    })
}

/// The last pack that begins with `number` or before.
fn pack_at(tree: &sled::Db, number: BlockNumber) -> Result<Option<(BlockNumber, IVec)>, Cause> {
    let mut packs = tree.range(keys::pack(0)..=keys::pack(number));
    let last = packs.next_back().transpose()?;
    last.map(|(key, entry)| Ok((log::parse(Ok(key))?, entry)))
        .transpose()
}

/// Where the first pack begins that does so after `number`.
fn next_pack(tree: &sled::Db, number: BlockNumber) -> Result<Option<BlockNumber>, Cause> {
    let mut packs = tree.range(keys::pack(number + 1)..=keys::pack(BlockNumber::MAX));
    packs
        .next()
        .map(|next| log::parse(next.map(|(key, _)| key)))
        .transpose()
}

fn open(tree: &sled::Db, entry: &IVec) -> Result<Vec<Bytes>, Cause> {
    packs::blocks(log::body(tree, &slots::parse(entry)?)?)
}
