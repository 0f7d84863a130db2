//! A clock that goes where it is told.

use std::sync::atomic::{AtomicU64, Ordering};

use wasmill_model::Millis;
use wasmill_port::Clock;

/// The time of a trial.
#[derive(Debug)]
pub(crate) struct VirtualClock(AtomicU64);

impl VirtualClock {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Sets it, back too: another run begins.
    pub(crate) fn set(&self, now: Millis) {
        self.0.store(now.0, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }

    fn raise(&self, floor: Millis) {
        self.0.fetch_max(floor.0, Ordering::Relaxed);
    }
}
