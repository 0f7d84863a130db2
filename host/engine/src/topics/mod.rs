//! Topics as the engine knows them: what is left of their quotas, and what it counts.
//!
//! Quotas are for those outside. What handlers and schedules send counts too, but is never refused:
//! a handler's record is whole, and must not fail for what others send.

mod bucket;
mod cause;

use std::collections::HashMap;
use std::time::Duration;

use wasmill_model::effects::Send;
use wasmill_model::routes::{Quota, Rate, Routes, Topic, TopicIndex};
use wasmill_model::{Millis, Name};

use crate::commands::Refused;
use crate::engine::Engine;

use bucket::Bucket;
pub use cause::RefusalCause;

/// When to come again to a topic whose subscriptions are full: nobody knows how soon they are
/// handled.
const PENDING_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The declared topics, in the order of the routes in force.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    /// How long the process has run.
    uptime: Millis,
    all: Vec<State>,
}

/// One declared topic, or prefix of topics.
#[derive(Debug)]
struct State {
    name: Name,
    messages: Option<Bucket>,
    bytes: Option<Bucket>,
    counts: TopicCounts,
    /// Whether the counts changed since somebody took them.
    counted: bool,
}

/// What was sent to a topic since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicCounts {
    /// Messages taken in from outside.
    pub outside: u64,
    /// Messages that handlers and schedules sent.
    pub inside: u64,
    /// Messages from outside that were refused: for each [`RefusalCause`] at its place in
    /// [`RefusalCause::ALL`].
    pub refused: [u64; RefusalCause::ALL.len()],
}

/// A topic takes no more for now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("topic `{topic}` takes in {bound} (`{}`): send the message again later", bound.name())]
pub struct OverQuota {
    /// The topic, or prefix of topics, as it is declared.
    pub topic: Name,
    /// What it has passed.
    pub bound: QuotaBound,
    /// When to send the message again.
    pub retry_after: Duration,
}

/// A bound on what comes in on a topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaBound {
    /// Messages a second.
    #[error("{0} messages a second")]
    Messages(u64),
    /// Bytes a second.
    #[error("{0} bytes a second")]
    Bytes(u64),
    /// Messages that are pending in a subscription: they wait or run.
    #[error("no more while {count_max} messages are pending in subscription `{subscription}`")]
    Pending {
        /// So many.
        count_max: u64,
        /// The subscription.
        subscription: Name,
    },
}

impl QuotaBound {
    /// Its key in the routes file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.cause().name()
    }

    fn cause(&self) -> RefusalCause {
        match self {
            Self::Messages(_) => RefusalCause::Messages,
            Self::Bytes(_) => RefusalCause::Bytes,
            Self::Pending { .. } => RefusalCause::Pending,
        }
    }
}

/// How much of a topic's rate is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateUsed {
    /// The rate.
    pub rate: Rate,
    /// Of its burst: more if handlers sent more than there was.
    pub used: u64,
}

/// What only the engine knows of a declared topic. The rest is in the routes, and in
/// [`Engine::census`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicLevels {
    /// The rate of messages.
    pub messages: Option<RateUsed>,
    /// The rate of bytes.
    pub bytes: Option<RateUsed>,
    /// What was sent.
    pub counts: TopicCounts,
}

impl Refused {
    /// As what a declared topic counts it; none if the topic is not declared.
    fn cause(&self) -> Option<RefusalCause> {
        Some(match self {
            Self::UnknownTopic(_) => return None,
            Self::Quota(over) => over.bound.cause(),
            Self::Limit(_) => RefusalCause::Limit,
            Self::Conflict(_) => RefusalCause::Conflict,
            Self::EmptyKey | Self::ReservedHeader(_) => RefusalCause::Malformed,
            Self::Half(_) => RefusalCause::Transactions,
        })
    }
}

impl Topics {
    /// Takes the topics of other routes: those that were there before keep what they counted, and
    /// what they used of their quotas.
    pub(crate) fn adopt(&mut self, routes: &Routes) {
        let now = self.uptime;
        let before = std::mem::take(&mut self.all).into_iter();
        let mut before: HashMap<_, _> = before.map(|it| (it.name.clone(), it)).collect();
        let adopted = routes.topics().iter().map(|topic| {
            let name = topic.pattern.name();
            let Quota { messages, bytes } = topic.quota;
            let full = |rate| Bucket::full(rate, now);
            let Some(kept) = before.remove(name) else {
                return State {
                    name: name.clone(),
                    messages: messages.map(full),
                    bytes: bytes.map(full),
                    counts: TopicCounts::default(),
                    counted: true,
                };
            };
            let keep = |bucket: Option<Bucket>, rate: Option<Rate>| {
                let rate = rate?;
                Some(bucket.map_or_else(|| full(rate), |it| it.at_rate(rate, now)))
            };
            State {
                messages: keep(kept.messages, messages),
                bytes: keep(kept.bytes, bytes),
                ..kept
            }
        });
        self.all = adopted.collect();
    }

    fn take(&mut self, topic: TopicIndex, bytes: usize) -> &mut TopicCounts {
        let now = self.uptime;
        let state = &mut self.all[topic.0];
        state.counted = true;
        if let Some(bucket) = &mut state.messages {
            bucket.take(1, now);
        }
        if let Some(bucket) = &mut state.bytes {
            bucket.take(bytes as u64, now);
        }
        &mut state.counts
    }

    /// What is sent by a handler, or a schedule.
    pub(crate) fn count_inside(&mut self, topic: TopicIndex, bytes: usize) {
        self.take(topic, bytes).inside += 1;
    }

    /// What was taken in from outside.
    pub(crate) fn count_outside(&mut self, topic: TopicIndex, bytes: usize) {
        self.take(topic, bytes).outside += 1;
    }

    /// What was refused to somebody outside.
    pub(crate) fn count_refused(&mut self, topic: TopicIndex, refused: &Refused) {
        if let Some(cause) = refused.cause() {
            let state = &mut self.all[topic.0];
            state.counts.refused[cause as usize] += 1;
            state.counted = true;
        }
    }

    /// What its rates say to another message of so many bytes.
    fn has_room(&self, topic: TopicIndex, bytes: usize) -> Result<(), OverQuota> {
        let now = self.uptime;
        let state = &self.all[topic.0];
        let over = |bound, retry_after| OverQuota {
            topic: state.name.clone(),
            bound,
            retry_after,
        };
        if let Some(bucket) = &state.messages
            && let Some(wait) = bucket.wait_for(1, now)
        {
            let bound = QuotaBound::Messages(bucket.rate().per_second);
            return Err(over(bound, wait));
        }
        if let Some(bucket) = &state.bytes
            && let Some(wait) = bucket.wait_for(bytes as u64, now)
        {
            let bound = QuotaBound::Bytes(bucket.rate().per_second);
            return Err(over(bound, wait));
        }
        Ok(())
    }
}

impl Engine {
    /// Whether a topic takes another message from outside now.
    ///
    /// # Errors
    /// The bound that it has passed.
    pub(crate) fn check_quota(
        &self,
        topic: TopicIndex,
        name: &str,
        bytes: usize,
    ) -> Result<(), OverQuota> {
        let Topic {
            pending_max,
            pattern,
            ..
        } = &self.routes().topics()[topic.0];
        if let Some(count_max) = *pending_max {
            let mut full = None;
            self.routes().each_subscriber(name, |sub| {
                if full.is_none() && self.pending_of(&sub.name) >= count_max {
                    full = Some(sub.name.clone());
                }
            });
            if let Some(subscription) = full {
                return Err(OverQuota {
                    topic: pattern.name().clone(),
                    bound: QuotaBound::Pending {
                        count_max,
                        subscription,
                    },
                    retry_after: PENDING_RETRY_AFTER,
                });
            }
        }
        self.topics.has_room(topic, bytes)
    }

    /// Counts what a handler sends. What came from outside was counted when it was taken in.
    pub(crate) fn count_sent(&mut self, send: &Send) {
        if let Some(topic) = send.topic
            && send.message.causation.is_some()
        {
            let bytes = send.message.body.len();
            self.topics.count_inside(topic, bytes);
        }
    }

    /// What was sent since the process began to the declared topics for which that changed since
    /// this was last asked.
    pub fn take_topic_counts(&mut self) -> impl Iterator<Item = (&Name, &TopicCounts)> {
        let changed = |state: &mut State| std::mem::take(&mut state.counted);
        let all = self.topics.all.iter_mut();
        all.filter_map(move |it| changed(it).then_some((&it.name, &it.counts)))
    }

    /// Tells how long the process has run. Rates are of that time: the engine's own stands still
    /// while the system's clock is behind it.
    pub fn set_uptime(&mut self, uptime: Duration) {
        let millis = u64::try_from(uptime.as_millis()).unwrap_or(u64::MAX);
        self.topics.uptime = Millis(millis);
    }

    /// How a topic of the routes in force stands.
    ///
    /// # Panics
    /// If `topic` is of other routes and beyond the topics of these.
    #[must_use]
    pub fn topic_levels(&self, topic: TopicIndex) -> TopicLevels {
        let now = self.topics.uptime;
        let used = |bucket: &Bucket| RateUsed {
            rate: bucket.rate(),
            used: bucket.used(now),
        };
        let state = &self.topics.all[topic.0];
        TopicLevels {
            messages: state.messages.as_ref().map(used),
            bytes: state.bytes.as_ref().map(used),
            counts: state.counts,
        }
    }
}
