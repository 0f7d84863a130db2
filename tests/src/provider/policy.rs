//! What the provider does with each charge: a pure function of the seed and the payment's id,
//! so that a run can be repeated.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How often, per mille of the charges, each thing happens. What is left simply succeeds.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Decides who gets which fate.
    pub seed: u64,
    /// Refused by the customer's bank.
    pub failed: u64,
    /// Taken with another amount than asked for.
    pub wrong_amount: u64,
    /// Succeed only after `late_by`, which the caller sets beyond the payment deadline.
    pub late: u64,
    /// How late the late ones are.
    pub late_by: Duration,
    /// Succeed, but never call back: they must be asked for.
    pub silent: u64,
    /// Answered with 503, half of them after the charge was recorded.
    pub hiccup: u64,
    /// Called back several times, at once and later.
    pub repeated: u64,
    /// Longest usual delay of a callback; each has its own, so they arrive out of order.
    pub delay_max: Duration,
}

/// What becomes of one charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fate {
    /// Whether the money is taken in the end.
    pub succeeds: bool,
    /// Cents charged beyond the amount asked for.
    pub surplus: u64,
    /// When the outcome is known, after the charge was created.
    pub settles_after: Duration,
    /// How many times the callback is sent; 0 for never.
    pub callbacks: u32,
    /// What goes wrong with the first request.
    pub hiccup: Option<Hiccup>,
}

/// A 503, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hiccup {
    /// Nothing was done.
    Before,
    /// All was done, only the answer is bad.
    After,
}

impl Policy {
    /// All succeed at once, called back once.
    #[must_use]
    pub fn honest() -> Self {
        Self {
            seed: 0,
            failed: 0,
            wrong_amount: 0,
            late: 0,
            late_by: Duration::ZERO,
            silent: 0,
            hiccup: 0,
            repeated: 0,
            delay_max: Duration::ZERO,
        }
    }

    /// A bit of everything.
    #[must_use]
    pub fn lively(seed: u64, late_by: Duration) -> Self {
        Self {
            seed,
            failed: 40,
            wrong_amount: 20,
            late: 20,
            late_by,
            silent: 20,
            hiccup: 50,
            repeated: 200,
            delay_max: Duration::from_millis(400),
        }
    }

    /// The fate of a payment.
    #[must_use]
    pub fn fate(&self, payment_id: &str) -> Fate {
        let hash = xxh3_64_with_seed(payment_id.as_bytes(), self.seed);
        // Two independent draws: what happens to the charge, and how it is told.
        let (draw, manner) = (hash % 1000, (hash >> 32) % 1000);
        let delay_ms = u64::try_from(self.delay_max.as_millis()).unwrap_or(u64::MAX);
        let mut fate = Fate {
            succeeds: true,
            surplus: 0,
            settles_after: Duration::from_millis((hash >> 16) % (delay_ms + 1)),
            callbacks: if manner < self.repeated { 3 } else { 1 },
            hiccup: self.hiccup_at(manner),
        };
        let bounds = [self.failed, self.wrong_amount, self.late, self.silent];
        match pick(draw, bounds) {
            Some(0) => fate.succeeds = false,
            Some(1) => fate.surplus = 1,
            Some(2) => fate.settles_after = self.late_by,
            Some(_) => fate.callbacks = 0,
            None => {}
        }
        fate
    }

    /// Hiccups are counted from the other end than repeats, so that few charges have both.
    fn hiccup_at(&self, manner: u64) -> Option<Hiccup> {
        let below = 999 - manner;
        let kind = if below.is_multiple_of(2) {
            Hiccup::Before
        } else {
            Hiccup::After
        };
        (below < self.hiccup).then_some(kind)
    }
}

/// Which of the shares `draw` falls into, if any.
fn pick<const N: usize>(draw: u64, shares: [u64; N]) -> Option<usize> {
    let mut end = 0;
    shares.iter().position(|share| {
        end += share;
        draw < end
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lively_policy_has_a_payment_for_every_fate() {
        let policy = Policy::lively(7, Duration::from_secs(9));
        let fates: Vec<Fate> = (0..1000).map(|n| policy.fate(&format!("p-{n}"))).collect();
        let any = |test: fn(&Fate) -> bool| fates.iter().any(test);
        assert!(any(|fate| !fate.succeeds));
        assert!(any(|fate| fate.surplus > 0));
        assert!(any(|fate| fate.settles_after == Duration::from_secs(9)));
        assert!(any(|fate| fate.callbacks == 0));
        assert!(any(|fate| fate.callbacks > 1));
        assert!(any(|fate| fate.hiccup == Some(Hiccup::Before)));
        assert!(any(|fate| fate.hiccup == Some(Hiccup::After)));
    }

    #[test]
    fn the_same_seed_decides_the_same() {
        let policy = Policy::lively(7, Duration::from_secs(9));
        assert_eq!(policy.fate("p-1"), policy.clone().fate("p-1"));
    }
}
