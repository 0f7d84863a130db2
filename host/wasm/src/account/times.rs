//! A histogram of times: four buckets to a power of two, so that a quantile is off by a quarter
//! at most.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets within a power of two.
const STEPS: usize = 4;
/// Buckets: up to 2^32 microseconds, more than the longest deadline, and all above in the last.
const BUCKETS: usize = 31 * STEPS;
/// The powers of two, in microseconds, that are told as bounds: 16 us to 67 s.
const TOLD: std::ops::RangeInclusive<u32> = 4..=26;

/// How long calls took. Observed by whichever thread called: one addition.
pub(crate) struct Times([AtomicU64; BUCKETS]);

impl Default for Times {
    fn default() -> Self {
        Self(array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Times {
    pub(crate) fn observe(&self, micros: u64) {
        self.0[bucket(micros)].fetch_add(1, Ordering::Relaxed);
    }

    /// The bound below which this part of the times is.
    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let counts = || self.0.iter().map(|it| it.load(Ordering::Relaxed));
        // What comes in between is found, too: the bound is no later for it.
        let wanted = (counts().sum::<u64>() as f64 * part).ceil() as u64;
        let mut sum = 0;
        let at = counts().position(|count| {
            sum += count;
            sum >= wanted && sum > 0
        });
        at.map_or(Duration::ZERO, |at| Duration::from_micros(bound(at)))
    }

    /// Bounds in seconds, and how many times are over the bound before and no longer.
    pub(super) fn buckets(&self) -> Vec<(f64, u64)> {
        let mut told: Vec<(f64, u64)> = TOLD
            .map(|power| (f64::from(1_u32 << power) / 1e6, 0))
            .collect();
        told.push((f64::MAX, 0));
        for (at, count) in self.0.iter().enumerate() {
            let bound = bound(at) as f64 / 1e6;
            let place = told.partition_point(|(told, _)| *told < bound);
            told[place].1 += count.load(Ordering::Relaxed);
        }
        told
    }
}

/// The bucket of a time.
fn bucket(micros: u64) -> usize {
    // Bounds are inclusive.
    let time = micros.saturating_sub(1);
    if time < STEPS as u64 {
        return time as usize;
    }
    let power = time.ilog2() as usize;
    let step = (time >> (power - 2)) as usize % STEPS;
    ((power - 1) * STEPS + step).min(BUCKETS - 1)
}

/// The longest time of a bucket.
fn bound(bucket: usize) -> u64 {
    let (power, step) = (bucket / STEPS, bucket % STEPS);
    match power {
        0 => step as u64 + 1,
        _ => ((STEPS + step + 1) as u64) << (power - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_whose_bound_is_no_less() {
        for micros in (1..5_000).chain([99_999, 1 << 20, (1 << 20) + 1, 1 << 31]) {
            let at = bucket(micros);
            assert!(micros <= bound(at), "{micros}");
            assert!(at == 0 || micros > bound(at - 1), "{micros}");
            assert!(bound(at) as f64 <= micros as f64 * 1.25 + 1.0, "{micros}");
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
    }

    #[test]
    fn what_is_told_sums_up_to_what_was_observed() {
        let times = Times::default();
        for micros in [1, 16, 17, 1_000_000, 100_000_000] {
            times.observe(micros);
        }
        let told = times.buckets();
        assert_eq!(told[0], (16e-6, 2));
        assert_eq!(told[1], (32e-6, 1));
        assert_eq!(told.last(), Some(&(f64::MAX, 1)));
        assert_eq!(told.iter().map(|(_, count)| count).sum::<u64>(), 5);
    }
}
