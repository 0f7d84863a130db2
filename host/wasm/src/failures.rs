//! Failed calls of a version, as operators hear of them: the first ones at once, and then how many more
//! there were.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures that are told of in each [`WINDOW`]; those beyond are counted.
const TOLD_MAX: u32 = 3;
const WINDOW: Duration = Duration::from_secs(10);
/// How long after a window its last failures wait to be told of with the next one, before they are
/// told of by themselves.
const GRACE: Duration = Duration::from_secs(1);

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

/// What is to be done about a failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// It is told of, and so many that were not since the last one that was.
    Told(u64),
    /// It is counted, the first one of those that wait: [`Failures::left`] is to be asked about them.
    Waits(Wait),
    /// It is counted.
    Counted,
}

/// Failures that wait to be told of with a later one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    began: Instant,
}

impl Failures {
    /// What is to be done about a failure that happens now.
    pub(crate) fn due(&self, now: Instant) -> Due {
        let mut window = self.window();
        let is_over = |began: Instant| now.saturating_duration_since(began) >= WINDOW;
        let began = match window.began {
            Some(began) if !is_over(began) => began,
            _ => {
                window.began = Some(now);
                window.told = 0;
                now
            }
        };
        if window.told < TOLD_MAX {
            window.told += 1;
            return Due::Told(std::mem::take(&mut window.untold));
        }
        window.untold += 1;
        match window.untold {
            1 => Due::Waits(Wait { began }),
            _ => Due::Counted,
        }
    }

    /// How many failures wait for one that does not come: they are told of now. Zero if it came.
    pub(crate) fn left(&self, wait: &Wait) -> u64 {
        let mut window = self.window();
        match window.began {
            Some(began) if began == wait.began => std::mem::take(&mut window.untold),
            _ => 0,
        }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wait {
    /// When to ask about them.
    pub(crate) fn until(&self) -> Instant {
        self.began + WINDOW + GRACE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Failures of which two wait, and which.
    fn waiting(begin: Instant) -> (Failures, Wait) {
        let failures = Failures::default();
        for _ in 0..TOLD_MAX {
            assert_eq!(failures.due(begin), Due::Told(0));
        }
        let Due::Waits(wait) = failures.due(begin) else {
            panic!("it is one too many");
        };
        assert_eq!(failures.due(begin + WINDOW / 2), Due::Counted);
        (failures, wait)
    }

    #[test]
    fn the_first_failures_are_told_and_the_others_are_counted() {
        let begin = Instant::now();
        let (failures, wait) = waiting(begin);
        assert_eq!(failures.due(begin + WINDOW), Due::Told(2));
        assert_eq!(failures.due(begin + WINDOW), Due::Told(0));
        assert_eq!(failures.left(&wait), 0, "they are told of already");
    }

    #[test]
    fn failures_that_no_other_one_follows_are_told_after_their_window() {
        let begin = Instant::now();
        let (failures, wait) = waiting(begin);
        assert!(wait.until() > begin + WINDOW);
        assert_eq!(failures.left(&wait), 2);
        assert_eq!(failures.due(begin + WINDOW * 2), Due::Told(0));
    }

    #[test]
    fn those_of_a_later_window_wait_for_its_end() {
        let begin = Instant::now();
        let (failures, first) = waiting(begin);
        assert_eq!(failures.due(begin + WINDOW), Due::Told(2));
        for _ in 1..TOLD_MAX {
            assert_eq!(failures.due(begin + WINDOW), Due::Told(0));
        }
        let Due::Waits(second) = failures.due(begin + WINDOW) else {
            panic!("it is one too many");
        };
        assert_eq!(failures.left(&first), 0);
        assert_eq!(failures.left(&second), 1);
    }
}
