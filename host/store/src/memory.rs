//! The stores' twin in memory, for tests and the simulator: it fails when told to, and forgets
//! in a crash what was not durable.

mod log;
mod state;
mod view;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::state::State;
pub use self::{log::MemoryLog, view::MemoryView};

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is reported as failed, and did not happen.
    Before,
    /// It is reported as failed, but happened.
    After,
}

/// A store in memory. Clones share it.
///
/// Like the one on disk it stops at a failed write: nothing works until the log is acquired
/// again, and some of what was not durable may be lost then. A failed read is just that.
#[derive(Clone, Debug)]
pub struct Memory {
    state: Arc<Mutex<State>>,
}

impl Memory {
    /// An empty store. `seed` decides what is lost when it stops.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::from_state(State::new(seed))
    }

    /// Its log and view. Several logs contend for being the writer.
    #[must_use]
    pub fn open(&self) -> (MemoryLog, MemoryView) {
        (MemoryLog::new(self.clone()), MemoryView::new(self.clone()))
    }

    /// Lets operation number `operation` fail. They are counted from 0, reads included.
    pub fn fail_at(&self, operation: u64, fault: Fault) {
        self.lock().faults.insert(operation, fault);
    }

    /// How many operations there were: the number of the next one.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// How many of the faults that were asked for have struck since this store began.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.lock().failures
    }

    /// Pulls the plug: all handles fail from now on. Returns what a restart finds, where `seed`
    /// decides which of the writes that were not durable survived. Faults are not carried over.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        let mut state = self.lock();
        let mut restarted = state.clone();
        state.crashed = true;
        drop(state);
        restarted.restart(seed);
        Self::from_state(restarted)
    }

    /// An independent copy as it is now, without the faults to come.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        let mut state = self.lock().clone();
        state.faults.clear();
        Self::from_state(state)
    }

    fn from_state(state: State) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
