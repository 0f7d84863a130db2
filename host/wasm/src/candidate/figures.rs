//! What the two versions of a canary did, and whether the candidate was worse.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use wasmill_port::candidate::{CanaryBounds, Figures};

use crate::account::Times;

/// Errors without which a rate of errors says nothing.
const ERRORS_MIN: u64 = 5;
/// A rate of errors that is borne from a version whose predecessor has none: one percent.
const ERRORS_BORNE: f64 = 0.01;
/// Calls of each version without which their times say nothing.
const TIMED_MIN: u64 = 100;
/// By how much the times must differ besides: below that it is chance.
const LATER_MIN: Duration = Duration::from_millis(5);
/// Calls of each version without which their fuel says nothing.
const FUELED_MIN: u64 = 20;

/// First attempts of one version, counted as they are handled.
#[derive(Default)]
pub(super) struct Tally {
    errors: AtomicU64,
    messages: AtomicU64,
    fuel: AtomicU64,
    times: Times,
}

impl Tally {
    /// Counts a call.
    pub(super) fn add(&self, failed: bool, took_us: u64, fuel: u64) {
        self.errors.fetch_add(u64::from(failed), Relaxed);
        self.fuel.fetch_add(fuel, Relaxed);
        self.times.observe(took_us);
        self.messages.fetch_add(1, Relaxed);
    }

    /// What was counted so far.
    pub(super) fn figures(&self) -> Figures {
        let messages = self.messages.load(Relaxed);
        Figures {
            messages,
            errors: self.errors.load(Relaxed),
            fuel_mean: self.fuel.load(Relaxed) / messages.max(1),
            p99: self.times.quantile(0.99),
        }
    }
}

/// Why a candidate is to be rolled back; none if it is not.
pub(super) fn verdict(
    running: &Figures,
    candidate: &Figures,
    bounds: &CanaryBounds,
) -> Option<String> {
    let rate = |it: &Figures| it.errors as f64 / it.messages.max(1) as f64;
    let borne = (rate(running) * bounds.errors).max(ERRORS_BORNE);
    if candidate.errors >= ERRORS_MIN && rate(candidate) > borne {
        return Some(format!(
            "{:.1}% of its {} messages failed, and {:.1}% of {} with the running version",
            rate(candidate) * 100.0,
            candidate.messages,
            rate(running) * 100.0,
            running.messages,
        ));
    }
    let both = running.messages.min(candidate.messages);
    let late = running
        .p99
        .mul_f64(bounds.latency)
        .max(running.p99 + LATER_MIN);
    if both >= TIMED_MIN && candidate.p99 > late {
        return Some(format!(
            "its p99 is {:?}, and {:?} with the running version",
            candidate.p99, running.p99
        ));
    }
    let burnt = running.fuel_mean as f64 * bounds.fuel;
    if both >= FUELED_MIN && candidate.fuel_mean as f64 > burnt {
        return Some(format!(
            "it burns {} of fuel a message, and the running version {}",
            candidate.fuel_mean, running.fuel_mean
        ));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(messages: u64, errors: u64, fuel_mean: u64, p99_ms: u64) -> Figures {
        Figures {
            messages,
            errors,
            fuel_mean,
            p99: Duration::from_millis(p99_ms),
        }
    }

    fn verdict_of(running: Figures, candidate: Figures) -> Option<String> {
        verdict(&running, &candidate, &CanaryBounds::default())
    }

    #[test]
    fn a_candidate_that_fails_more_goes_and_one_that_fails_as_often_stays() {
        let good = figures(1_000, 0, 100, 1);
        assert_eq!(verdict_of(good, figures(4, 4, 100, 1)), None, "too few");
        let why = verdict_of(good, figures(50, 5, 100, 1)).expect("it goes");
        assert_eq!(
            why,
            "10.0% of its 50 messages failed, and 0.0% of 1000 with the running version"
        );
        let poor = figures(1_000, 300, 100, 1);
        assert_eq!(verdict_of(poor, figures(100, 35, 100, 1)), None);
        assert!(verdict_of(poor, figures(100, 61, 100, 1)).is_some());
        let rarely = figures(1_000, 10, 100, 1);
        assert_eq!(verdict_of(good, rarely), None, "one percent is borne");
        let idle = figures(0, 0, 0, 0);
        assert!(verdict_of(idle, figures(5, 5, 100, 1)).is_some());
    }

    #[test]
    fn a_candidate_that_is_slow_or_burns_more_goes() {
        let good = figures(1_000, 0, 100, 10);
        assert!(verdict_of(good, figures(100, 0, 100, 21)).is_some());
        assert_eq!(verdict_of(good, figures(99, 0, 100, 21)), None, "too few");
        let quick = figures(1_000, 0, 100, 1);
        assert_eq!(verdict_of(quick, figures(100, 0, 100, 5)), None, "chance");
        assert!(verdict_of(good, figures(20, 0, 201, 10)).is_some());
        assert_eq!(verdict_of(good, figures(20, 0, 200, 10)), None);
        let idle = figures(0, 0, 0, 0);
        assert_eq!(verdict_of(idle, figures(500, 0, 900, 900)), None);
    }

    #[test]
    fn a_tally_has_means_and_percentiles() {
        let tally = Tally::default();
        for nth in 0..100 {
            tally.add(nth < 3, if nth < 2 { 40_000 } else { 100 }, 50);
        }
        let figures = tally.figures();
        assert_eq!((figures.messages, figures.errors), (100, 3));
        assert_eq!(figures.fuel_mean, 50);
        let p99 = figures.p99.as_micros();
        assert!((40_000..50_000).contains(&p99), "{p99}");
    }
}
