//! How long messages wait for their handlers, as a histogram.
//!
//! It is observed for each message by whichever thread ran its handler. The client library's
//! histogram takes a lock for that; here it is two additions.

use std::array;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Buckets: up to 1 ms, 2 ms, 4 ms and so on, up to 2^20 ms (17 minutes), and all above.
const BUCKETS: usize = 22;

/// A histogram of times, to the millisecond; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Queueing(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    buckets: [AtomicU64; BUCKETS],
    millis: AtomicU64,
}

impl Default for Queueing {
    fn default() -> Self {
        Self(Arc::new(Counts {
            buckets: array::from_fn(|_| AtomicU64::new(0)),
            millis: AtomicU64::new(0),
        }))
    }
}

impl Queueing {
    pub(crate) fn observe(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.buckets[bucket(millis)].fetch_add(1, Ordering::Relaxed);
        self.0.millis.fetch_add(millis, Ordering::Relaxed);
    }
}

/// The first bucket whose bound is no less.
fn bucket(millis: u64) -> usize {
    match millis {
        0..=0x0010_0000 => millis.max(1).next_power_of_two().trailing_zeros() as usize,
        _ => BUCKETS - 1,
    }
}

fn bound_seconds(bucket: usize) -> f64 {
    match bucket + 1 {
        // What the encoder takes for the bucket of all that is above.
        BUCKETS => f64::MAX,
        _ => f64::from(1_u32 << bucket) / 1_000.0,
    }
}

impl TypedMetric for Queueing {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Queueing {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.0.buckets.iter().enumerate();
        let counts = counts.map(|(at, count)| (bound_seconds(at), count.load(Ordering::Relaxed)));
        let counts: Vec<(f64, u64)> = counts.collect();
        let count = counts.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_millis(self.0.millis.load(Ordering::Relaxed));
        encoder.encode_histogram::<NoLabelSet>(sum.as_secs_f64(), count, &counts, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_that_is_no_shorter() {
        for (millis, expected) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (1 << 20, 20)] {
            assert_eq!(bucket(millis), expected, "{millis}");
        }
        assert_eq!([(1 << 20) + 1, u64::MAX].map(bucket), [21, 21]);
    }

    #[test]
    fn it_is_shown_as_a_histogram_in_seconds() {
        let (queueing, mut registry) = (Queueing::default(), Registry::default());
        registry.register("q", "Q", queueing.clone());
        for millis in [1, 3, 4, 10_000_000] {
            queueing.observe(Duration::from_millis(millis));
        }
        let mut text = String::new();
        encode(&mut text, &registry).expect("text");
        for line in [
            "q_count 4",
            "q_sum 10000.008",
            "q_bucket{le=\"0.001\"} 1",
            "q_bucket{le=\"0.002\"} 1",
            "q_bucket{le=\"0.004\"} 3",
            "q_bucket{le=\"+Inf\"} 4",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
