//! The log over sled: packs of blocks, and the tail. A pack is the list of its chunks' slots,
//! written after them.

use std::sync::Arc;

use bytes::Bytes;
use sled::IVec;
use wasmill_port::store::{Acquired, AppendError, BlockNumber, Blocks, Error, Log};

use super::{
    blocks::SledBlocks,
    database::{Cause, Database},
    keys, packs,
    slots::{self, Slots},
    tail::{self, Tail},
};
use crate::frame;

/// Packs of trimmed blocks that a call deletes: trimming spreads over appends, so that none waits
/// long. Many more than one, so that large blocks do not outrun small ones.
const SWEPT_BY_APPEND_MAX: usize = 64;
const SWEPT_BY_TRIM_MAX: usize = 512;
/// Two and a half times what the slots hold is what sled takes by itself. Beyond that and this
/// much, it is made to clean a page for so many bytes appended: else, when large blocks follow
/// thousands of small ones, its file grows on and on.
const SLACK_BYTES: u64 = 64 << 20;
const CLEANED_BYTES: usize = 32 << 10;
/// Slots that a call deletes.
const SLOTS_GIVEN_UP_MAX: usize = 64;

/// The log of a sled database.
///
/// A failed write leaves the log stopped until [`Log::acquire`], which opens the databases anew
/// that failed: the view's as well.
#[derive(Debug)]
pub struct SledLog {
    database: Arc<Database>,
    view: Arc<Database>,
    writer: Option<Acquired>,
    /// Packs before this block are deleted, not only trimmed.
    swept: BlockNumber,
    slots: Slots,
    tail: Tail,
    /// Bytes appended for which no page was cleaned.
    uncleaned: usize,
}

impl SledLog {
    pub(super) fn new(database: Database, view: Arc<Database>) -> Self {
        Self {
            database: Arc::new(database),
            view,
            writer: None,
            swept: 0,
            slots: Slots::default(),
            tail: Tail::default(),
            uncleaned: 0,
        }
    }

    /// After a failure the tail is not what is in the tree: it is read again.
    fn try_append(&mut self, at: BlockNumber, block: &[u8]) -> Result<(), Error> {
        let what = format!("append block {at}");
        if !self.tail.has_room(block.len()) {
            self.write_pack(&what)?;
        }
        match self.tail.push(at, block) {
            Some(entry) => self
                .database
                .write(&what, entry.value.len(), |tree| entry.write(tree))?,
            None => self.write_pack(&what)?,
        }
        self.clean(block.len())?;
        self.database.sync(what)
    }

    /// Makes the tail a pack.
    fn write_pack(&mut self, what: &str) -> Result<(), Error> {
        let Some((first, pack)) = self.tail.take() else {
            return Ok(());
        };
        let chunks = frame::split(&pack);
        let slots = self.slots.take(chunks.len());
        // One by one: a large block may not outrun the syncs that are due on the way.
        for (slot, (_, chunk)) in slots.iter().zip(chunks) {
            self.database.write(what, chunk.len(), |tree| {
                Ok(tree.insert(keys::slot(*slot), chunk)?)
            })?;
        }
        self.database.write(what, 0, |tree| {
            tree.insert(keys::pack(first), slots::encode(&slots))?;
            Ok(())
        })
    }

    /// Has the file cleaned as `appended` bytes ask for, if it is too large for what it holds.
    fn clean(&mut self, appended: usize) -> Result<(), Error> {
        self.uncleaned += appended;
        let pages = self.uncleaned / CLEANED_BYTES;
        self.uncleaned %= CLEANED_BYTES;
        // Most appends are small: nothing to look at the file for.
        if pages == 0 {
            return Ok(());
        }
        let held = u64::from(self.slots.count()) * frame::CHUNK_BYTES_MAX as u64;
        self.database.clean(held * 5 / 2 + SLACK_BYTES, pages)
    }

    /// Deletes up to `limit` packs whose blocks are all before `first`.
    fn sweep(&mut self, first: BlockNumber, limit: usize) -> Result<(), Error> {
        const WHAT: &str = "delete trimmed blocks";
        for _ in 0..limit {
            if self.swept >= first {
                break;
            }
            let (slots, swept) = self.database.write(WHAT, 0, |tree| {
                let mut packs = tree.scan_prefix(keys::PACKS);
                let (Some(oldest), Some(second)) = (packs.next(), packs.next()) else {
                    return Ok((Vec::new(), first));
                };
                let (oldest, second) = (oldest?, parse(Ok(second?.0))?);
                if second > first {
                    return Ok((Vec::new(), first));
                }
                tree.remove(oldest.0)?;
                Ok((slots::parse(&oldest.1)?, second))
            })?;
            self.slots.give_back(slots);
            self.swept = swept;
        }
        for slot in std::iter::from_fn(|| self.slots.give_up()).take(SLOTS_GIVEN_UP_MAX) {
            self.database
                .write(WHAT, 0, |tree| Ok(tree.remove(keys::slot(slot))?))?;
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
        self.swept = 0;
        let (acquired, slots, tail) = self.database.write(WHAT, 0, |tree| {
            let epoch = number_at(tree, keys::EPOCH)? + 1;
            tree.insert(keys::EPOCH, &epoch.to_be_bytes())?;
            let trimmed = trimmed(tree)?;
            let packed = next_after_packs(tree)?;
            let tail = Tail::read(tree, packed)?;
            let next = tail.next().unwrap_or(packed);
            Ok((
                Acquired {
                    epoch,
                    first: trimmed,
                    next,
                },
                Slots::of(tree)?,
                tail,
            ))
        })?;
        self.database.sync(WHAT)?;
        (self.slots, self.tail) = (slots, tail);
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
                None => trimmed(tree)?,
            };
            if number < trimmed {
                return Ok(None);
            }
            let mut packs = tree.range(keys::pack(0)..=keys::pack(number));
            if let Some((key, entry)) = packs.next_back().transpose()? {
                let first = parse(Ok(key))?;
                let pack = body(tree, &slots::parse(&entry)?)?;
                if let Some(block) = packs::nth(pack, number - first)? {
                    return Ok(Some(block));
                }
            }
            tail::find(tree, number)
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

    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(SledBlocks {
            database: self.database.clone(),
        })
    }
}

/// The first block that was not trimmed.
pub(super) fn trimmed(tree: &sled::Db) -> Result<BlockNumber, Cause> {
    number_at(tree, keys::TRIMMED)
}

/// The number of the block after the last one in a pack.
fn next_after_packs(tree: &sled::Db) -> Result<BlockNumber, Cause> {
    let Some((key, entry)) = tree.scan_prefix(keys::PACKS).next_back().transpose()? else {
        return Ok(0);
    };
    let pack = body(tree, &slots::parse(&entry)?)?;
    Ok(parse(Ok(key))? + packs::count(&pack)?)
}

/// What a pack holds.
pub(super) fn body(tree: &sled::Db, slots: &[u32]) -> Result<Bytes, Cause> {
    let read = |chunk: u32| match slots.get(chunk as usize) {
        Some(slot) => Ok::<_, Cause>(tree.get(keys::slot(*slot))?),
        None => Ok(None),
    };
    let first = read(0)?.ok_or(frame::Damage::Missing(0))?;
    frame::join(&first, read)
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

/// The number in a pack's key.
pub(super) fn parse(key: sled::Result<IVec>) -> Result<BlockNumber, Cause> {
    let key = key?;
    keys::parse_pack(&key).ok_or_else(|| Cause::Corrupt(format!("damaged: key {key:?} of a block")))
}
