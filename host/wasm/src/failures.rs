//! Failed calls of a version, as operators hear of them: the first ones at once, and then how many more
//! there were.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures that are told of in each [`WINDOW`]; those beyond are counted.
const TOLD_MAX: u32 = 3;
const WINDOW: Duration = Duration::from_secs(10);

/// The failures of one version.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    // Never held across an await, and only for a few instructions.
    window: Mutex<Window>,
}

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    told: u32,
    untold: u64,
}

impl Failures {
    /// Whether one is to be told of now, and then how many were not since the last one that was.
    pub(crate) fn due(&self, now: Instant) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = |began: Instant| now.saturating_duration_since(began) >= WINDOW;
        if window.began.is_none_or(is_over) {
            window.began = Some(now);
            window.told = 0;
        }
        if window.told == TOLD_MAX {
            window.untold += 1;
            return None;
        }
        window.told += 1;
        Some(std::mem::take(&mut window.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failures_are_told_and_the_others_are_counted() {
        let (failures, begin) = (Failures::default(), Instant::now());
        for _ in 0..TOLD_MAX {
            assert_eq!(failures.due(begin), Some(0));
        }
        for _ in 0..10_000 {
            assert_eq!(failures.due(begin + WINDOW / 2), None);
        }
        assert_eq!(failures.due(begin + WINDOW), Some(10_000));
        assert_eq!(failures.due(begin + WINDOW), Some(0));
    }
}
