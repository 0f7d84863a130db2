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
/// The candidate's times are looked at once in so many calls.
const TIMED_EVERY: u64 = 32;
/// By how much the times must differ besides: below that it is chance.
const LATER_MIN: Duration = Duration::from_millis(5);
/// Calls of each version without which their fuel says nothing.
const FUELED_MIN: u64 = 20;

/// First attempts of one version, counted as they are handled.
#[derive(Default)]
pub(super) struct Tally {
    errors: AtomicU64,
    messages: AtomicU64,
    /// Those among them whose fuel and time count.
    measured: AtomicU64,
    fuel: AtomicU64,
    times: Times,
}

/// What a call took, if that says something of calls to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    pub(super) micros: u64,
    pub(super) fuel: u64,
}

impl Tally {
    /// Counts a call.
    pub(super) fn add(&self, failed: bool, took: Option<Took>) {
        self.errors.fetch_add(u64::from(failed), Relaxed);
        if let Some(took) = took {
            self.fuel.fetch_add(took.fuel, Relaxed);
            self.times.observe(took.micros);
            self.measured.fetch_add(1, Relaxed);
        }
        self.messages.fetch_add(1, Relaxed);
    }

    /// What was counted so far.
    pub(super) fn figures(&self) -> Figures {
        Figures {
            messages: self.messages.load(Relaxed),
            errors: self.errors.load(Relaxed),
            fuel_mean: self.fuel_mean(),
            p99: self.p99(),
        }
    }

    /// The part of the messages that failed.
    fn error_rate(&self) -> f64 {
        self.errors.load(Relaxed) as f64 / self.messages.load(Relaxed).max(1) as f64
    }

    fn fuel_mean(&self) -> u64 {
        self.fuel.load(Relaxed) / self.measured.load(Relaxed).max(1)
    }

    fn p99(&self) -> Duration {
        self.times.quantile(0.99)
    }
}

/// Why a candidate is to be rolled back, as its last message leaves it; none if it is not.
pub(super) fn verdict(running: &Tally, candidate: &Tally, bounds: &CanaryBounds) -> Option<String> {
    if let Some(why) = fails_more(running, candidate, bounds) {
        return Some(why);
    }
    let measured = candidate.measured.load(Relaxed);
    let both = running.measured.load(Relaxed).min(measured);
    if both >= FUELED_MIN
        && let Some(why) = burns_more(running, candidate, bounds)
    {
        return Some(why);
    }
    // Percentiles are dear: a few hundred counters are read.
    if both >= TIMED_MIN && (measured - TIMED_MIN).is_multiple_of(TIMED_EVERY) {
        return is_slower(running, candidate, bounds);
    }
    None
}

fn fails_more(running: &Tally, candidate: &Tally, bounds: &CanaryBounds) -> Option<String> {
    let (usual, rate) = (running.error_rate(), candidate.error_rate());
    // Times its own rate may be more than always, which no version could exceed.
    let borne = (usual * bounds.errors)
        .max(ERRORS_BORNE)
        .min(f64::midpoint(1.0, usual));
    (candidate.errors.load(Relaxed) >= ERRORS_MIN && rate > borne).then(|| {
        format!(
            "{:.1}% of its {} messages failed, and {:.1}% of {} with the running version",
            rate * 100.0,
            candidate.messages.load(Relaxed),
            usual * 100.0,
            running.messages.load(Relaxed),
        )
    })
}

fn burns_more(running: &Tally, candidate: &Tally, bounds: &CanaryBounds) -> Option<String> {
    let (usual, burnt) = (running.fuel_mean(), candidate.fuel_mean());
    (burnt as f64 > usual as f64 * bounds.fuel)
        .then(|| format!("it burns {burnt} of fuel a message, and the running version {usual}"))
}

fn is_slower(running: &Tally, candidate: &Tally, bounds: &CanaryBounds) -> Option<String> {
    let (usual, p99) = (running.p99(), candidate.p99());
    let late = usual.mul_f64(bounds.latency).max(usual + LATER_MIN);
    (p99 > late).then(|| format!("its p99 is {p99:?}, and {usual:?} with the running version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many messages of which so many failed, with this fuel and time each.
    fn tally(messages: u64, errors: u64, fuel: u64, millis: u64) -> Tally {
        let tally = Tally::default();
        for nth in 0..messages {
            let micros = millis * 1_000;
            tally.add(nth < errors, Some(Took { micros, fuel }));
        }
        tally
    }

    fn verdict_of(running: &Tally, candidate: &Tally) -> Option<String> {
        verdict(running, candidate, &CanaryBounds::default())
    }

    #[test]
    fn a_candidate_that_fails_more_goes_and_one_that_fails_as_often_stays() {
        let good = tally(1_000, 0, 100, 1);
        assert_eq!(verdict_of(&good, &tally(4, 4, 100, 1)), None, "too few");
        let why = verdict_of(&good, &tally(50, 5, 100, 1)).expect("it goes");
        assert_eq!(
            why,
            "10.0% of its 50 messages failed, and 0.0% of 1000 with the running version"
        );
        let poor = tally(1_000, 300, 100, 1);
        assert_eq!(verdict_of(&poor, &tally(100, 35, 100, 1)), None);
        assert!(verdict_of(&poor, &tally(100, 61, 100, 1)).is_some());
        let rarely = tally(1_000, 10, 100, 1);
        assert_eq!(verdict_of(&good, &rarely), None, "one percent is borne");
        let idle = Tally::default();
        assert!(verdict_of(&idle, &tally(5, 5, 100, 1)).is_some());
    }

    #[test]
    fn a_candidate_that_always_fails_goes_however_often_the_running_version_does() {
        for usual in [500, 700, 990] {
            let poor = tally(1_000, usual, 100, 1);
            assert!(verdict_of(&poor, &tally(50, 50, 100, 1)).is_some());
        }
        let half = tally(1_000, 500, 100, 1);
        assert_eq!(verdict_of(&half, &tally(100, 75, 100, 1)), None);
        assert!(verdict_of(&half, &tally(100, 76, 100, 1)).is_some());
        let never_well = tally(1_000, 1_000, 100, 1);
        assert_eq!(verdict_of(&never_well, &tally(50, 50, 100, 1)), None);
    }

    #[test]
    fn a_candidate_that_is_slow_or_burns_more_goes() {
        let good = tally(1_000, 0, 100, 10);
        assert!(verdict_of(&good, &tally(100, 0, 100, 30)).is_some());
        assert_eq!(verdict_of(&good, &tally(99, 0, 100, 30)), None, "too few");
        assert_eq!(verdict_of(&good, &tally(131, 0, 100, 30)), None, "not now");
        assert!(verdict_of(&good, &tally(132, 0, 100, 30)).is_some());
        let quick = tally(1_000, 0, 100, 1);
        assert_eq!(verdict_of(&quick, &tally(100, 0, 100, 5)), None, "chance");
        assert!(verdict_of(&good, &tally(20, 0, 201, 10)).is_some());
        assert_eq!(verdict_of(&good, &tally(20, 0, 200, 10)), None);
        let idle = Tally::default();
        assert_eq!(verdict_of(&idle, &tally(500, 0, 900, 900)), None);
    }

    #[test]
    fn calls_that_say_nothing_of_those_to_come_are_neither_slow_nor_do_they_burn() {
        let (good, candidate) = (tally(1_000, 0, 100, 1), tally(98, 0, 100, 1));
        for _ in 0..2 {
            candidate.add(false, None);
        }
        assert_eq!(candidate.figures().messages, 100);
        assert_eq!(verdict_of(&good, &candidate), None);
        for _ in 0..2 {
            let (micros, fuel) = (300_000, 100);
            candidate.add(false, Some(Took { micros, fuel }));
        }
        let why = verdict_of(&good, &candidate).expect("two of a hundred were slow");
        assert!(why.contains("p99"), "{why}");
    }

    #[test]
    fn a_tally_has_means_and_percentiles() {
        let tally = Tally::default();
        for nth in 0..100 {
            let micros = if nth < 2 { 40_000 } else { 100 };
            tally.add(nth < 3, Some(Took { micros, fuel: 50 }));
        }
        tally.add(true, None);
        let figures = tally.figures();
        assert_eq!((figures.messages, figures.errors), (101, 4));
        assert_eq!(figures.fuel_mean, 50);
        let p99 = figures.p99.as_micros();
        assert!((40_000..50_000).contains(&p99), "{p99}");
    }
}
