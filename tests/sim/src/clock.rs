//! A clock that goes only where it is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wasmill_model::Millis;
use wasmill_port::Clock;

/// The time of a world: as a host's clock has it, which stands still while the system's is behind
/// what it said before.
#[derive(Debug)]
pub(crate) struct SimClock {
    /// What the system's clock says, in milliseconds.
    system: AtomicU64,
    /// The latest time that this life of the host knows of.
    latest: AtomicU64,
    /// How long the world is there: of this no jump takes anything away.
    elapsed: AtomicU64,
}

impl SimClock {
    pub(crate) fn new() -> Self {
        Self {
            system: AtomicU64::new(1_000_000),
            latest: AtomicU64::new(0),
            elapsed: AtomicU64::new(0),
        }
    }

    /// Moves on.
    pub(crate) fn advance(&self, span: Duration) {
        let span = millis(span);
        self.system.fetch_add(span, Ordering::Relaxed);
        self.elapsed.fetch_add(span, Ordering::Relaxed);
    }

    /// Jumps back, as a system's clock may, while the host is down or not.
    pub(crate) fn jump_back(&self, span: Duration) {
        let system = self.system.load(Ordering::Relaxed);
        let back = system.saturating_sub(millis(span));
        self.system.store(back, Ordering::Relaxed);
    }

    /// Another host begins, which knows of no time before.
    pub(crate) fn forget(&self) {
        self.latest.store(0, Ordering::Relaxed);
    }

    /// How long the world is there.
    pub(crate) fn elapsed(&self) -> Duration {
        Duration::from_millis(self.elapsed.load(Ordering::Relaxed))
    }
}

impl Clock for SimClock {
    fn now(&self) -> Millis {
        self.raise(Millis(self.system.load(Ordering::Relaxed)));
        Millis(self.latest.load(Ordering::Relaxed))
    }

    fn raise(&self, floor: Millis) {
        self.latest.fetch_max(floor.0, Ordering::Relaxed);
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).expect("simulated spans are short")
}
