//! The sled database itself: opened, synced, and opened again after it failed.
//!
//! sled never gets over its first failed write, and its `flush` ends in `sync_file_range`, which
//! a power cut undoes. So the database can be replaced by a newly opened one, and syncing is done
//! through a descriptor of our own.

use std::{
    fmt::Display,
    fs::{self, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use wasmill_port::store::Error;

use super::recovery;
use crate::dir;

/// Fixed when a database is created. A node of 19 chunks must fit in a quarter of it.
const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// Written bytes after which a sync is due, whether anyone waits for it or not. sled reuses a
/// segment once newer ones were written, and must not do so before they are durable.
const UNSYNCED_BYTES_MAX: u64 = 1024 * 1024;
/// sled rewrites a page at every tenth write to it, and only then moves one other page out of a
/// piece of the file that is to be used again. Among large values that is too seldom.
const CLEANING_WRITES: usize = 10;
/// The most that one page takes: what a node of the tree may.
const PAGE_BYTES_MAX: u64 = SEGMENT_BYTES as u64 / 4;
const CLEANING: &[u8] = b"cleaning";
/// How long background tasks of a closed database may hold its file.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(10);

/// A database that outlives its own failure.
#[derive(Debug)]
pub(super) struct Database {
    config: Config,
    open: RwLock<Option<Open>>,
    failed: AtomicBool,
    unsynced: AtomicU64,
    _lock: Arc<dir::Lock>,
}

/// What a database is opened with.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) path: PathBuf,
    pub(super) cache_bytes: u64,
    /// Finishes or undoes what a crash interrupted.
    pub(super) recover: fn(&sled::Db) -> Result<(), Cause>,
}

#[derive(Debug)]
struct Open {
    tree: sled::Db,
    /// A page that is written so that sled cleans.
    cleaning: sled::Tree,
    /// The file `tree` writes.
    file: File,
}

impl Database {
    pub(super) fn open(lock: Arc<dir::Lock>, config: Config) -> Result<Self, Error> {
        fs::create_dir_all(&config.path).map_err(|cause| config.error("create", cause.into()))?;
        let open = open(&config)?;
        // The names of the files just created, which sled does not sync.
        for directory in [Some(&*config.path), config.path.parent()]
            .into_iter()
            .flatten()
        {
            dir::sync(directory).map_err(|error| Error::new("sync the data directory", error))?;
        }
        Ok(Self {
            config,
            open: RwLock::new(Some(open)),
            failed: AtomicBool::new(false),
            unsynced: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// Reads. A failure concerns this read only.
    pub(super) fn read<R>(
        &self,
        what: impl Display,
        read: impl FnOnce(&sled::Db) -> Result<R, Cause>,
    ) -> Result<R, Error> {
        self.with(|open| read(&open.tree))
            .map_err(|cause| self.config.error(what, cause))
    }

    /// Writes, without waiting for durability. After a failure nothing works until
    /// [`Database::reopen`].
    pub(super) fn write<R>(
        &self,
        what: impl Display,
        bytes: usize,
        write: impl FnOnce(&sled::Db) -> Result<R, Cause>,
    ) -> Result<R, Error> {
        let written = self.with(|open| {
            let written = write(&open.tree)?;
            self.count(open, bytes as u64)?;
            Ok(written)
        });
        written.map_err(|cause| self.fail(what, cause))
    }

    /// Makes all that was written before survive a power cut.
    pub(super) fn sync(&self, what: impl Display) -> Result<(), Error> {
        self.with(|open| self.sync_open(open))
            .map_err(|cause| self.fail(what, cause))
    }

    /// Lets sled move so many pages out of the way, so that more of its file is used again, if the
    /// file is larger than `bytes`.
    pub(super) fn clean(&self, bytes: u64, pages: usize) -> Result<(), Error> {
        let cleaned = self.with(|open| {
            if open.file.metadata()?.len() <= bytes {
                return Ok(());
            }
            for _ in 0..pages {
                for _ in 0..CLEANING_WRITES {
                    open.cleaning.insert(CLEANING, CLEANING)?;
                }
                self.count(open, PAGE_BYTES_MAX)?;
            }
            Ok(())
        });
        cleaned.map_err(|cause| self.fail("clean the file", cause))
    }

    /// Makes the database work again after it failed, if the disk does.
    pub(super) fn reopen(&self) -> Result<(), Error> {
        if !self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut slot = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(failed) = slot.take() {
            close(failed);
        }
        recovery::rewrite(&self.config.path.join("db"))
            .map_err(|cause| self.config.error("write anew", cause.into()))?;
        *slot = Some(open(&self.config)?);
        self.unsynced.store(0, Ordering::Relaxed);
        self.failed.store(false, Ordering::Release);
        Ok(())
    }

    fn with<R>(&self, f: impl FnOnce(&Open) -> Result<R, Cause>) -> Result<R, Cause> {
        let slot = self.open.read().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(open) if !self.failed.load(Ordering::Acquire) => f(open),
            _ => Err(Cause::Stopped),
        }
    }

    /// Counts written bytes, and syncs when that is due.
    fn count(&self, open: &Open, bytes: u64) -> Result<(), Cause> {
        let unsynced = self.unsynced.fetch_add(bytes, Ordering::Relaxed) + bytes;
        match unsynced > UNSYNCED_BYTES_MAX {
            true => self.sync_open(open),
            false => Ok(()),
        }
    }

    fn sync_open(&self, open: &Open) -> Result<(), Cause> {
        // Before the flush: what is written meanwhile is synced once too often at worst. A sync
        // that fails stops the database, so that nobody takes it for done.
        self.unsynced.store(0, Ordering::Relaxed);
        open.tree.flush()?;
        Ok(open.file.sync_data()?)
    }

    fn fail(&self, what: impl Display, cause: Cause) -> Error {
        if !cause.is_refusal() {
            self.failed.store(true, Ordering::Release);
        }
        self.config.error(what, cause)
    }
}

impl Config {
    fn error(&self, what: impl Display, cause: Cause) -> Error {
        Error::new(format!("{what} in {}", self.path.display()), cause)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let slot = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = slot.take() {
            close(open);
        }
    }
}

/// Why an operation on the database failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cause {
    #[error("{0}; {remedy}", remedy = remedy(.0))]
    Database(#[from] sled::Error),
    #[error("{0}; {remedy}", remedy = io_remedy(.0))]
    Io(#[from] io::Error),
    #[error("damaged: {0}; restore the data directory from a backup")]
    Damaged(#[from] crate::frame::Damage),
    #[error("{0}; restore the data directory from a backup")]
    Corrupt(String),
    #[error("a key of {0} bytes exceeds the limit of {max} bytes", max = super::KEY_BYTES_MAX)]
    Key(usize),
    #[error("stopped after an earlier write failed; acquire the log again, or restart")]
    Stopped,
}

impl Cause {
    /// Whether nothing was attempted.
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Stopped)
    }
}

fn remedy(error: &sled::Error) -> &'static str {
    match error {
        sled::Error::Io(error) => io_remedy(error),
        _ => "restore the data directory from a backup",
    }
}

fn io_remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free space on the data directory's disk"
        }
        io::ErrorKind::FileTooLarge => "raise the limit on the size of files (ulimit -f)",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "give this user write access to the data directory"
        }
        _ => "check the data directory's disk",
    }
}

fn open(config: &Config) -> Result<Open, Error> {
    let path = &config.path;
    let error = |cause| config.error("open the database", cause);
    recovery::remove_torn_snapshots(path).map_err(|cause| error(cause.into()))?;
    recovery::remove_torn_configuration(path).map_err(|cause| error(cause.into()))?;
    let sled = sled::Config::new()
        .path(path)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(config.cache_bytes)
        .flush_every_ms(None);
    let deadline = Instant::now() + CLOSE_TIME_MAX;
    let tree = loop {
        // sled panics on some kinds of damage that it does not expect.
        match catch_unwind(AssertUnwindSafe(|| sled.open())) {
            Ok(Ok(tree)) => break tree,
            // No other process has it, since we hold `LOCK`: it is a task of the database that
            // was open in this process before, which sled offers no way to wait for.
            Ok(Err(sled::Error::Io(cause))) if is_locked(&cause) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            Ok(Err(cause)) => return Err(error(cause.into())),
            Err(_) => {
                let cause = "sled panicked while recovering, as the log line before this says";
                return Err(error(Cause::Corrupt(cause.to_owned())));
            }
        }
    };
    // Before anything is written that cannot be read without it.
    recovery::sync_configuration(path).map_err(|cause| error(cause.into()))?;
    let opened = fs::OpenOptions::new().write(true).open(path.join("db"));
    let file = opened.map_err(|cause| error(cause.into()))?;
    (config.recover)(&tree).map_err(error)?;
    let cleaning = tree
        .open_tree(CLEANING)
        .map_err(|cause| error(cause.into()))?;
    Ok(Open {
        tree,
        cleaning,
        file,
    })
}

/// sled words this itself, without the operating system's error code.
fn is_locked(error: &io::Error) -> bool {
    error.to_string().starts_with("could not acquire lock")
}

fn close(open: Open) {
    // Errors were reported where they matter. sled panics when its last sync fails.
    let _ = catch_unwind(AssertUnwindSafe(move || drop(open)));
}
