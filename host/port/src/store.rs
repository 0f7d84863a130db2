//! The two ports of durable storage: the log and the view.
//!
//! The log is the truth: blocks of commit records, appended in one order. The view is what the
//! log amounts to up to a checkpoint, and may be rebuilt no further back than the log reaches.
//! Both are narrow, so that a distributed log can stand behind the first one.

use std::sync::Arc;

use bytes::Bytes;

/// The number of a block in the log: consecutive from 0.
pub type BlockNumber = u64;

/// What went wrong in the store, with the file or operation it concerns.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {cause}")]
pub struct Error {
    /// What was attempted, and on what.
    pub operation: String,
    /// The cause as the operating system or database states it.
    pub cause: String,
}

impl Error {
    /// An error of `operation` because of `cause`.
    pub fn new(operation: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self {
            operation: operation.into(),
            cause: cause.to_string(),
        }
    }
}

/// Why an append was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another writer acquired the log, or the expected position is taken: stop writing.
    #[error("the log was acquired by another writer")]
    Fenced,
    /// The block may or may not be in the log: acquire again and look.
    #[error("the append may or may not have happened")]
    Unknown(#[source] Error),
}

/// What acquiring the log tells its new writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquired {
    /// The writer's epoch: greater than any before.
    pub epoch: u64,
    /// The oldest block that is still there; equal to `next` if the log is empty.
    pub first: BlockNumber,
    /// The number that the next block gets.
    pub next: BlockNumber,
}

/// An ordered, durable sequence of blocks with one writer at a time.
pub trait Log: Send + 'static {
    /// Becomes the log's only writer.
    fn acquire(&mut self) -> Result<Acquired, Error>;

    /// Appends `block` as number `at`. On `Ok` it survives a power cut.
    fn append(&mut self, epoch: u64, at: BlockNumber, block: &[u8]) -> Result<(), AppendError>;

    /// Reads block `number`; none if it was trimmed or never written.
    fn read(&self, number: BlockNumber) -> Result<Option<Bytes>, Error>;

    /// Drops all blocks before `before`. Space is reclaimed in time.
    fn trim(&mut self, before: BlockNumber) -> Result<(), Error>;

    /// Reads the log beside its writer.
    fn blocks(&self) -> Arc<dyn Blocks>;
}

/// A log as others than its writer read it, from any thread. What is appended may be read before
/// it is durable.
pub trait Blocks: Send + Sync + 'static {
    /// The oldest block that is still there; none if the log is empty.
    fn first(&self) -> Result<Option<BlockNumber>, Error>;

    /// Block `number` and those that lie together with it; none if it was trimmed or never
    /// written.
    fn piece(&self, number: BlockNumber) -> Result<Option<Piece>, Error>;
}

/// Blocks that lie together: they are read in one go.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The first one's number.
    pub first: BlockNumber,
    /// One more than the last one's number.
    pub next: BlockNumber,
    /// The blocks, or what is wrong with them.
    pub blocks: Result<Vec<Bytes>, String>,
}

/// One blind write to the view: none deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Vec<u8>,
    /// The value, of any size.
    pub value: Option<Bytes>,
}

impl Change {
    /// Writes `value` under `key`.
    #[must_use]
    pub fn put(key: Vec<u8>, value: Bytes) -> Self {
        Self {
            key,
            value: Some(value),
        }
    }

    /// Deletes `key`.
    #[must_use]
    pub fn delete(key: Vec<u8>) -> Self {
        Self { key, value: None }
    }
}

/// An ordered map of keys to values of any size, read from many threads. After a crash it holds
/// what was durable and, of what was written since, all up to some point.
pub trait View: Send + Sync + 'static {
    /// The value of `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Error>;

    /// Keys from `from` (inclusive) that begin with `prefix`, in order, with their values; at
    /// most `limit` of them.
    fn scan(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Bytes)>, Error>;

    /// Writes without waiting for durability: the next [`View::sync`] makes them durable.
    /// Not atomic together.
    fn write(&self, changes: Vec<Change>) -> Result<(), Error>;

    /// Writes atomically, without waiting for durability.
    fn commit(&self, changes: Vec<Change>) -> Result<(), Error>;

    /// Makes everything written before durable.
    fn sync(&self) -> Result<(), Error>;

    /// [`View::commit`] and [`View::sync`].
    fn checkpoint(&self, changes: Vec<Change>) -> Result<(), Error> {
        self.commit(changes)?;
        self.sync()
    }
}
