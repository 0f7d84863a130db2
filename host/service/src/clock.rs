//! The system's clock, made to never go backward.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use wasmill_model::Millis;
use wasmill_port::Clock;

/// Wall-clock time that stands still while the system's clock is behind what it said before.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicU64,
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let wall = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Millis(self.latest.fetch_max(wall, Ordering::Relaxed).max(wall))
    }

    fn raise(&self, floor: Millis) {
        self.latest.fetch_max(floor.0, Ordering::Relaxed);
    }
}
