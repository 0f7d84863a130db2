//! The log over sled: a block is its chunks, the first of which is written last.

use std::sync::Arc;

use bytes::Bytes;
use sled::IVec;
use wasmill_port::store::{Acquired, AppendError, BlockNumber, Error, Log};

use super::{
    database::{Cause, Database},
    keys,
};
use crate::frame;

/// Trimmed blocks that a call deletes: trimming spreads over appends, so that none waits long.
const SWEPT_BY_APPEND_MAX: u64 = 4;
const SWEPT_BY_TRIM_MAX: u64 = 64;

/// The log of a sled database.
///
/// A failed write leaves the log stopped until [`Log::acquire`], which opens the databases anew
/// that failed: the view's as well.
#[derive(Debug)]
pub struct SledLog {
    database: Database,
    view: Arc<Database>,
    writer: Option<Acquired>,
    /// Blocks before this one are deleted, not only trimmed.
    swept: BlockNumber,
}

impl SledLog {
    pub(super) fn new(database: Database, view: Arc<Database>) -> Self {
        Self {
            database,
            view,
            writer: None,
            swept: 0,
        }
    }

    fn try_append(&mut self, at: BlockNumber, block: &[u8]) -> Result<(), Error> {
        let what = format!("append block {at}");
        let chunks = frame::split(block);
        self.database.write(&what, block.len(), |tree| {
            for (number, chunk) in chunks.into_iter().rev() {
                tree.insert(keys::block(at, number), chunk)?;
            }
            Ok(())
        })?;
        self.database.sync(what)
    }

    /// Deletes up to `limit` of the blocks before `first`.
    fn sweep(&mut self, first: BlockNumber, limit: u64) -> Result<(), Error> {
        let end = first.min(self.swept.saturating_add(limit));
        for number in self.swept..end {
            self.database
                .write(format!("delete block {number}"), 0, |tree| {
                    delete(tree, number)
                })?;
            self.swept = number + 1;
        }
        Ok(())
    }
}

impl Log for SledLog {
    fn acquire(&mut self) -> Result<Acquired, Error> {
        const WHAT: &str = "acquire the log";
        self.writer = None;
        self.database.reopen()?;
        self.view.reopen()?;
        let (acquired, swept) = self.database.write(WHAT, 0, |tree| {
            let epoch = number_at(tree, keys::EPOCH)? + 1;
            tree.insert(keys::EPOCH, &epoch.to_be_bytes())?;
            let trimmed = number_at(tree, keys::TRIMMED)?;
            let next = last(tree)?.map_or(trimmed, |last| trimmed.max(last + 1));
            let swept = match tree.scan_prefix(keys::BLOCKS).keys().next() {
                Some(key) => parse(&key?)?.0,
                None => next,
            };
            Ok((
                Acquired {
                    epoch,
                    first: trimmed,
                    next,
                },
                swept,
            ))
        })?;
        self.database.sync(WHAT)?;
        self.swept = swept;
        self.writer = Some(acquired);
        Ok(acquired)
    }

    fn append(&mut self, epoch: u64, at: BlockNumber, block: &[u8]) -> Result<(), AppendError> {
        let writer = match self.writer {
            Some(writer) if writer.epoch == epoch && writer.next == at => writer,
            _ => return Err(AppendError::Fenced),
        };
        // Taken away until the append is known to have happened.
        self.writer = None;
        self.sweep(writer.first, SWEPT_BY_APPEND_MAX)
            .and_then(|()| self.try_append(at, block))
            .map_err(AppendError::Unknown)?;
        self.writer = Some(Acquired {
            next: at + 1,
            ..writer
        });
        Ok(())
    }

    fn read(&self, number: BlockNumber) -> Result<Option<Bytes>, Error> {
        self.database.read(format!("read block {number}"), |tree| {
            let trimmed = match self.writer {
                Some(writer) => writer.first,
                None => number_at(tree, keys::TRIMMED)?,
            };
            if number < trimmed {
                return Ok(None);
            }
            let Some(first) = tree.get(keys::block(number, 0))? else {
                return Ok(None);
            };
            let read = |chunk| Ok::<_, Cause>(tree.get(keys::block(number, chunk))?);
            frame::join(&first, read).map(Some)
        })
    }

    fn trim(&mut self, before: BlockNumber) -> Result<(), Error> {
        const WHAT: &str = "trim the log";
        let Some(writer) = self.writer else {
            return self.database.read(WHAT, |_| Err(Cause::Stopped));
        };
        let first = before.min(writer.next).max(writer.first);
        if first > writer.first {
            self.database.write(WHAT, 0, |tree| {
                Ok(tree.insert(keys::TRIMMED, &first.to_be_bytes())?)
            })?;
            self.writer = Some(Acquired { first, ..writer });
        }
        self.sweep(first, SWEPT_BY_TRIM_MAX)
    }
}

/// The number of the last whole block. What a crash left of one that was not acknowledged goes.
fn last(tree: &sled::Db) -> Result<Option<BlockNumber>, Cause> {
    while let Some(entry) = tree.scan_prefix(keys::BLOCKS).keys().next_back() {
        let (number, _) = parse(&entry?)?;
        if tree.contains_key(keys::block(number, 0))? {
            return Ok(Some(number));
        }
        delete(tree, number)?;
    }
    Ok(None)
}

/// Deletes a block's chunks from the last to the first, so that none is ever without its head.
fn delete(tree: &sled::Db, number: BlockNumber) -> Result<(), Cause> {
    for key in tree.scan_prefix(&keys::block(number, 0)[..9]).keys().rev() {
        tree.remove(key?)?;
    }
    Ok(())
}

fn number_at(tree: &sled::Db, key: &[u8]) -> Result<u64, Cause> {
    match tree.get(key)? {
        None => Ok(0),
        Some(found) => match found.as_ref().try_into() {
            Ok(bytes) => Ok(u64::from_be_bytes(bytes)),
            Err(_) => Err(Cause::Corrupt(format!("damaged: key {key:?} is no number"))),
        },
    }
}

fn parse(key: &IVec) -> Result<(BlockNumber, u32), Cause> {
    keys::parse_block(key).ok_or_else(|| Cause::Corrupt(format!("damaged: key {key:?} of a block")))
}
