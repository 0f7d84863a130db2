//! A token bucket in whole numbers, whose time is an argument.

use std::time::Duration;

use wasmill_model::Millis;
use wasmill_model::routes::Rate;

/// Parts of a token: so many come in a millisecond as tokens come in a second.
const PARTS: i64 = 1_000;

/// What is left of a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: Rate,
    /// Parts of tokens. Below zero, as far as a burst, if more was taken than there was.
    level: i64,
    at: Millis,
}

impl Bucket {
    /// A full one.
    pub(super) fn full(rate: Rate, now: Millis) -> Self {
        Self {
            rate,
            level: capacity(rate),
            at: now,
        }
    }

    /// The same, at another rate: what was used before stays used.
    pub(super) fn at_rate(mut self, rate: Rate, now: Millis) -> Self {
        if rate != self.rate {
            let used = capacity(self.rate) - self.refilled(now);
            self.level = capacity(rate).saturating_sub(used);
            self.at = self.at.max(now);
            self.rate = rate;
        }
        self
    }

    /// The rate.
    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    /// How long until so many tokens are there; none if they are there now.
    pub(super) fn wait_for(&self, tokens: u64, now: Millis) -> Option<Duration> {
        let missing = parts(tokens).saturating_sub(self.refilled(now));
        let missing = u64::try_from(missing).ok()?;
        let millis = missing.div_ceil(self.rate.per_second.max(1));
        (millis > 0).then(|| Duration::from_millis(millis))
    }

    /// Takes tokens, whether they are there or not.
    pub(super) fn take(&mut self, tokens: u64, now: Millis) {
        let before = self.refilled(now);
        let left = before.saturating_sub(parts(tokens));
        // Another rate may have left it lower still.
        self.level = left.max(before.min(-capacity(self.rate)));
        self.at = self.at.max(now);
    }

    /// How many tokens are used of the burst: more than it has if more was taken than there was.
    pub(super) fn used(&self, now: Millis) -> u64 {
        let used = capacity(self.rate) - self.refilled(now);
        u64::try_from(used).unwrap_or(0).div_ceil(PARTS as u64)
    }

    fn refilled(&self, now: Millis) -> i64 {
        let elapsed = now.0.saturating_sub(self.at.0);
        let come = elapsed.saturating_mul(self.rate.per_second);
        let come = i64::try_from(come).unwrap_or(i64::MAX);
        self.level.saturating_add(come).min(capacity(self.rate))
    }
}

fn capacity(rate: Rate) -> i64 {
    parts(rate.burst)
}

/// At most half of what there are numbers for, so that a level and a capacity can be subtracted.
fn parts(tokens: u64) -> i64 {
    let parts = i64::try_from(tokens).unwrap_or(i64::MAX);
    parts.saturating_mul(PARTS).min(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: Rate = Rate {
        per_second: 5,
        burst: 10,
    };

    fn millis(millis: u64) -> Option<Duration> {
        Some(Duration::from_millis(millis))
    }

    #[test]
    fn a_burst_is_there_at_once_and_the_rate_after_it() {
        let mut bucket = Bucket::full(FIVE, Millis(0));
        assert_eq!(bucket.wait_for(10, Millis(0)), None);
        bucket.take(10, Millis(0));
        assert_eq!(bucket.wait_for(1, Millis(0)), millis(200));
        assert_eq!(bucket.wait_for(1, Millis(199)), millis(1));
        assert_eq!(bucket.wait_for(1, Millis(200)), None);
        assert_eq!(bucket.wait_for(2, Millis(200)), millis(200));
        assert_eq!(bucket.used(Millis(1_000)), 5);
        // No more than the burst comes together.
        assert_eq!(bucket.used(Millis(u64::MAX)), 0);
        assert_eq!(bucket.wait_for(11, Millis(u64::MAX)), millis(200));
    }

    #[test]
    fn what_is_taken_beyond_what_is_there_is_made_up_for_within_a_burst() {
        let mut bucket = Bucket::full(FIVE, Millis(0));
        bucket.take(1_000_000, Millis(0));
        assert_eq!(bucket.used(Millis(0)), 20);
        assert_eq!(bucket.wait_for(1, Millis(0)), millis(2_200));
    }

    #[test]
    fn another_rate_does_not_fill_it() {
        let mut bucket = Bucket::full(FIVE, Millis(0));
        bucket.take(10, Millis(0));
        let other = Rate {
            per_second: 1,
            burst: 12,
        };
        let changed = bucket.at_rate(other, Millis(0));
        assert_eq!((changed.used(Millis(0)), changed.rate()), (10, other));
        assert_eq!(bucket.at_rate(FIVE, Millis(0)).used(Millis(0)), 10);
        let small = Rate {
            per_second: 1,
            burst: 1,
        };
        let mut small = bucket.at_rate(small, Millis(0));
        assert_eq!(small.used(Millis(0)), 10);
        small.take(1, Millis(0));
        assert_eq!(small.used(Millis(0)), 10);
        assert_eq!(small.at_rate(FIVE, Millis(0)).used(Millis(0)), 10);
    }

    #[test]
    fn the_greatest_rates_do_not_overflow() {
        let rate = Rate {
            per_second: u64::MAX,
            burst: u64::MAX,
        };
        let mut bucket = Bucket::full(rate, Millis(0));
        bucket.take(u64::MAX, Millis(1));
        bucket.take(u64::MAX, Millis(1));
        assert_eq!(bucket.wait_for(1, Millis(u64::MAX)), None);
    }
}
