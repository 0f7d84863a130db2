//! A clock that goes only where it is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmill_model::Millis;
use wasmill_port::Clock;

/// The time of a world.
#[derive(Debug)]
pub(crate) struct SimClock(AtomicU64);

impl SimClock {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(1_000_000))
    }

    /// Moves on.
    pub(crate) fn advance(&self, span: Duration) {
        let span = u64::try_from(span.as_millis()).expect("simulated spans are short");
        self.0.fetch_add(span, Ordering::Relaxed);
    }

    /// Jumps back, as a system's clock may while the host is down.
    pub(crate) fn jump_back(&self, span: Duration) {
        let span = u64::try_from(span.as_millis()).expect("simulated spans are short");
        self.0
            .fetch_sub(span.min(self.0.load(Ordering::Relaxed)), Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed))
    }

    fn raise(&self, floor: Millis) {
        self.0.fetch_max(floor.0, Ordering::Relaxed);
    }
}
