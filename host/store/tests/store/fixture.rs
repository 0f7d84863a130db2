//! The stores under test, each able to restart.

use std::{
    cell::{Cell, RefCell},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tempfile::TempDir;
use wasmill_port::store::{Log, View};
use wasmill_store::{
    DataDir, DirError, Memory, MemoryLog, MemoryView, Options, Settings, Sled, SledLog, SledView,
};

/// A store that can be opened again once its handles are dropped.
pub(crate) trait Store {
    type Log: Log;
    type View: View;

    /// Opens it as a restart of the process would.
    fn open(&self) -> (Self::Log, Self::View);
}

pub(crate) struct OnDisk {
    pub(crate) scratch: TempDir,
}

impl OnDisk {
    pub(crate) fn new() -> Self {
        Self {
            scratch: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    pub(crate) fn dir(&self) -> DataDir {
        // A child that another test forks has our descriptors, and with them our lock, until it
        // runs its own program.
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match DataDir::open(self.scratch.path(), Settings::default()) {
                Err(DirError::InUse { .. }) if Instant::now() < deadline => thread::yield_now(),
                opened => return opened.expect("a data directory"),
            }
        }
    }
}

impl Store for OnDisk {
    type Log = SledLog;
    type View = SledView;

    fn open(&self) -> (SledLog, SledView) {
        Sled::open(&self.dir(), &Options::default()).expect("the databases open")
    }
}

pub(crate) struct InMemory {
    memory: RefCell<Memory>,
    restarts: Cell<u64>,
}

impl InMemory {
    pub(crate) fn new() -> Self {
        Self {
            memory: RefCell::new(Memory::new(0)),
            restarts: Cell::new(0),
        }
    }
}

impl Store for InMemory {
    type Log = MemoryLog;
    type View = MemoryView;

    fn open(&self) -> (MemoryLog, MemoryView) {
        self.restarts.set(self.restarts.get() + 1);
        let restarted = self.memory.borrow().crash(self.restarts.get());
        self.memory.replace(restarted);
        self.memory.borrow().open()
    }
}

/// Runs each of the named tests over each of the stores.
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod on_disk {
            $(#[test] fn $name() { super::$name(&crate::fixture::OnDisk::new()); })*
        }
        mod in_memory {
            $(#[test] fn $name() { super::$name(&crate::fixture::InMemory::new()); })*
        }
    };
}
pub(crate) use contract;

/// Bytes that tell `seed` and every position apart.
pub(crate) fn bytes(len: usize, seed: u64) -> Bytes {
    let words = (seed << 32..).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    words.flatten().take(len).collect::<Vec<u8>>().into()
}

/// Another seed every time; tests print it.
pub(crate) fn seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.expect("after 1970").as_micros()).expect("before the year 586,912")
}
