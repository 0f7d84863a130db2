//! Log and view over sled.
//!
//! They are databases of their own: sled reuses a piece of its file when everything in it was
//! rewritten, and a piece with blocks and the view's small values would wait for each of those
//! (measured: 3.6 GB of file for 100 MB of blocks after 5 GB; apart, 0.4 GB). sled recovers a prefix
//! of what was written to a database, in the order of writing: so whatever must be whole is
//! written parts first and head last, and no sled batch is used. A batch locks out all writers of
//! the process, appends too, for as long as it takes to apply.

mod blocks;
mod database;
mod journal;
mod keys;
mod log;
mod packs;
mod recovery;
mod slots;
mod tail;
mod view;

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use wasmill_port::store::Error;

use self::database::{Config, Database};
pub use self::{keys::KEY_BYTES_MAX, log::SledLog, view::SledView};
use crate::DataDir;

/// How the databases are kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much of the log sled keeps in memory.
    pub log_cache_bytes: u64,
    /// How much of the view sled keeps in memory.
    pub view_cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            log_cache_bytes: 32 * 1024 * 1024,
            view_cache_bytes: 64 * 1024 * 1024,
        }
    }
}

/// The sled databases of a data directory.
#[derive(Debug)]
pub struct Sled;

impl Sled {
    /// Opens the databases in `dir`, or creates them. They close when both halves are dropped.
    pub fn open(dir: &DataDir, options: &Options) -> Result<(SledLog, SledView), Error> {
        let log = Config {
            path: dir.db().join("log"),
            cache_bytes: options.log_cache_bytes,
            // Acquiring the log does all that is needed.
            recover: |_| Ok(()),
        };
        let view = Config {
            path: dir.db().join("view"),
            cache_bytes: options.view_cache_bytes,
            recover: view::recover,
        };
        // sled reads a database's whole file to open it: side by side, so that a host with much to
        // remember is ready the sooner.
        let (log, view) = thread::scope(|scope| {
            let view = scope.spawn(|| Database::open(dir.lock(), view));
            let log = Database::open(dir.lock(), log);
            (
                log,
                view.join().unwrap_or_else(|panic| resume_unwind(panic)),
            )
        });
        let (log, view) = (log?, Arc::new(view?));
        Ok((SledLog::new(log, Arc::clone(&view)), SledView::new(view)))
    }
}
