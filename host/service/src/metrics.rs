//! What the services count, for Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use wasmill_engine::{RefusalCause, TopicCounts};
use wasmill_model::Name;
use wasmill_model::effects::{Outcome, Uniqueness};

use crate::queueing::Queueing;

/// Subscriptions are as many as the routes have, and had.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSubscription {
    subscription: String,
}

/// Topics as they are declared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTopic {
    topic: String,
    from: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedOfTopic {
    topic: String,
    cause: &'static str,
}

/// The metrics of one subscription, found by its label once.
#[derive(Clone, Debug)]
pub(crate) struct SubscriptionMetrics {
    pending: Gauge,
    waiting: Gauge,
    in_flight: Gauge,
    lag: Gauge<f64, AtomicU64>,
}

impl SubscriptionMetrics {
    /// Messages that wait, are parked or run, and handlers under way.
    pub(crate) fn set_standing(&self, pending: u64, running: usize) {
        let running = running as u64;
        let set = |gauge: &Gauge, count| {
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        set(&self.pending, pending);
        set(&self.waiting, pending.saturating_sub(running));
        set(&self.in_flight, running);
    }

    /// The age of the oldest message that waits or runs.
    pub(crate) fn set_lag(&self, lag: Duration) {
        self.lag.set(lag.as_secs_f64());
    }
}

/// A subscription's runs, observed by whichever thread ran them: no lock, and no label.
#[derive(Clone, Debug)]
pub(crate) struct RunMetrics {
    queueing: Queueing,
    duplicates: Counter,
    unidentified: Counter,
}

impl RunMetrics {
    pub(crate) fn observe(&self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            if let Some(wait) = outcome.queued {
                self.queueing.observe(wait);
            }
            match outcome.uniqueness {
                Uniqueness::Duplicate => drop(self.duplicates.inc()),
                Uniqueness::Unidentified if outcome.result.is_ok() => {
                    self.unidentified.inc();
                }
                _ => {}
            }
        }
    }
}

fn of(subscription: &Name) -> OfSubscription {
    OfSubscription {
        subscription: subscription.to_string(),
    }
}

/// Counters of the services; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) accepted: Counter,
    pub(crate) handled: Counter,
    pub(crate) failed: Counter,
    pub(crate) runs: Counter,
    unsettled: Gauge,
    committed: Counter,
    rolled_back: Counter,
    pending: Family<OfSubscription, Gauge>,
    waiting: Family<OfSubscription, Gauge>,
    in_flight: Family<OfSubscription, Gauge>,
    lag: Family<OfSubscription, Gauge<f64, AtomicU64>>,
    queueing: Family<OfSubscription, Queueing>,
    topic_messages: Family<OfTopic, Counter>,
    topic_refused: Family<RefusedOfTopic, Counter>,
    dead_letters: Family<OfSubscription, Counter>,
    duplicates: Family<OfSubscription, Counter>,
    unidentified: Family<OfSubscription, Counter>,
    blocks: Counter,
    block_bytes: Counter,
    commit_seconds: Histogram,
    checkpoint_seconds: Histogram,
}

impl Metrics {
    /// Registers the counters with `registry`.
    #[must_use]
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            accepted: Counter::default(),
            handled: Counter::default(),
            failed: Counter::default(),
            runs: Counter::default(),
            unsettled: Gauge::default(),
            committed: Counter::default(),
            rolled_back: Counter::default(),
            pending: Family::default(),
            waiting: Family::default(),
            in_flight: Family::default(),
            lag: Family::default(),
            queueing: Family::default(),
            topic_messages: Family::default(),
            topic_refused: Family::default(),
            dead_letters: Family::default(),
            duplicates: Family::default(),
            unidentified: Family::default(),
            blocks: Counter::default(),
            block_bytes: Counter::default(),
            commit_seconds: Histogram::new(exponential_buckets(0.000_1, 2.0, 16)),
            checkpoint_seconds: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
        };
        let mut counter = |name, help, counter: &Counter| {
            registry.register(name, help, counter.clone());
        };
        counter(
            "messages_accepted",
            "Messages taken in from outside",
            &metrics.accepted,
        );
        counter(
            "messages_handled",
            "Handler calls that were committed",
            &metrics.handled,
        );
        counter(
            "messages_failed",
            "Handler calls that failed",
            &metrics.failed,
        );
        counter("runs", "Runs of handlers", &metrics.runs);
        counter("log_blocks", "Blocks appended to the log", &metrics.blocks);
        counter(
            "log_block_bytes",
            "Bytes of the blocks appended to the log",
            &metrics.block_bytes,
        );
        registry.register(
            "messages_pending",
            "Messages that wait, are parked or run",
            metrics.pending.clone(),
        );
        registry.register(
            "dead_letters",
            "Messages given up",
            metrics.dead_letters.clone(),
        );
        metrics.register_times(registry);
        metrics.register_dedup(registry);
        metrics.register_transactions(registry);
        metrics.register_subscriptions(registry);
        metrics.register_topics(registry);
        metrics
    }

    fn register_times(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "log_append",
            "Time to append a block durably",
            Unit::Seconds,
            self.commit_seconds.clone(),
        );
        registry.register_with_unit(
            "checkpoint",
            "Time to write a checkpoint",
            Unit::Seconds,
            self.checkpoint_seconds.clone(),
        );
    }

    fn register_subscriptions(&self, registry: &mut Registry) {
        registry.register(
            "subscription_waiting",
            "Messages that wait or are parked, those apart that are being handled",
            self.waiting.clone(),
        );
        registry.register(
            "subscription_in_flight",
            "Messages that are being handled",
            self.in_flight.clone(),
        );
        registry.register_with_unit(
            "subscription_lag",
            "Age of the oldest message that waits or is being handled",
            Unit::Seconds,
            self.lag.clone(),
        );
        registry.register_with_unit(
            "subscription_queueing",
            "Time from when a message was sent, or fell due, to its handler's first call",
            Unit::Seconds,
            self.queueing.clone(),
        );
    }

    fn register_topics(&self, registry: &mut Registry) {
        registry.register(
            "topic_messages",
            "Messages taken in from outside, and sent by handlers and schedules inside",
            self.topic_messages.clone(),
        );
        registry.register(
            "topic_refused",
            "Messages from outside that the topic refused",
            self.topic_refused.clone(),
        );
    }

    fn register_dedup(&self, registry: &mut Registry) {
        registry.register(
            "messages_duplicate",
            "Messages acknowledged without a handler, as their subscription had handled their id",
            self.duplicates.clone(),
        );
        registry.register(
            "messages_unidentified",
            "Messages without the id by which their subscription tells duplicates, and handled",
            self.unidentified.clone(),
        );
    }

    fn register_transactions(&self, registry: &mut Registry) {
        registry.register(
            "transactions_committed",
            "Half messages that were committed",
            self.committed.clone(),
        );
        registry.register(
            "transactions_rolled_back",
            "Half messages that were rolled back",
            self.rolled_back.clone(),
        );
        registry.register(
            "transactions_unsettled",
            "Half messages that are asked about",
            self.unsettled.clone(),
        );
    }

    /// As the engine counts them since its start.
    pub(crate) fn set_transactions(&self, unsettled: usize, committed: u64, rolled_back: u64) {
        let store = |counter: &Counter, count| counter.inner().store(count, Ordering::Relaxed);
        self.unsettled
            .set(i64::try_from(unsettled).unwrap_or(i64::MAX));
        store(&self.committed, committed);
        store(&self.rolled_back, rolled_back);
    }

    pub(crate) fn subscription(&self, subscription: &Name) -> SubscriptionMetrics {
        // They are shown before there is something to observe.
        self.runs(subscription);
        let of = of(subscription);
        SubscriptionMetrics {
            pending: self.pending.get_or_create(&of).clone(),
            waiting: self.waiting.get_or_create(&of).clone(),
            in_flight: self.in_flight.get_or_create(&of).clone(),
            lag: self.lag.get_or_create(&of).clone(),
        }
    }

    /// Where what comes of a subscription's messages is observed.
    pub(crate) fn runs(&self, subscription: &Name) -> RunMetrics {
        let of = of(subscription);
        RunMetrics {
            queueing: self.queueing.get_or_create(&of).clone(),
            duplicates: self.duplicates.get_or_create(&of).clone(),
            unidentified: self.unidentified.get_or_create(&of).clone(),
        }
    }

    /// As the engine counts them since its start. What is refused for a cause that never came up
    /// is not shown.
    pub(crate) fn set_topic(&self, topic: &Name, counts: &TopicCounts) {
        let store = |counter: &Counter, count| counter.inner().store(count, Ordering::Relaxed);
        for (from, count) in [("outside", counts.outside), ("inside", counts.inside)] {
            let topic = topic.to_string();
            let of = OfTopic { topic, from };
            store(&self.topic_messages.get_or_create(&of), count);
        }
        for cause in RefusalCause::ALL {
            let count = counts.refused[cause as usize];
            if count > 0 {
                let (topic, cause) = (topic.to_string(), cause.name());
                let of = RefusedOfTopic { topic, cause };
                store(&self.topic_refused.get_or_create(&of), count);
            }
        }
    }

    pub(crate) fn buried(&self, subscription: &Name) {
        self.dead_letters.get_or_create(&of(subscription)).inc();
    }

    pub(crate) fn block_committed(&self, bytes: usize, took: Duration) {
        self.blocks.inc();
        self.block_bytes.inc_by(bytes as u64);
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// Observes the time until the guard is dropped.
    pub(crate) fn checkpoint_timer(&self) -> impl Drop {
        struct Guard(Histogram, Instant);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.observe(self.1.elapsed().as_secs_f64());
            }
        }
        Guard(self.checkpoint_seconds.clone(), Instant::now())
    }
}
