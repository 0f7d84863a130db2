//! A subscription: which messages go to which plugin, and what happens when that fails.

use std::time::Duration;

use super::{KeySource, TopicPattern};
use crate::filter::Filter;
use crate::{DelayLevel, Message, Name, Start, reserved};

/// A plugin's standing order for the messages of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Unique among the routes.
    pub name: Name,
    /// The topic, or a prefix of topics.
    pub topic: TopicPattern,
    /// The plugin whose handler is called.
    pub plugin: Name,
    /// Where the key comes from, if not from the message's own.
    pub key: Option<KeySource>,
    /// Tags to receive; empty for all.
    pub tags: Vec<Name>,
    /// A condition that messages must meet, besides.
    pub filter: Option<Filter>,
    /// From where on it gets messages, when it is new to the data directory.
    pub start: Start,
    /// How messages are told that were handled before; not with [`Order::None`].
    pub dedup: Option<DedupPolicy>,
    /// What is handled one at a time.
    pub order: Order,
    /// Most handlers at once, over all keys.
    pub concurrency_max: usize,
    /// When to try again.
    pub retry: RetrySchedule,
    /// What happens when the schedule is used up.
    pub on_exhausted: OnExhausted,
    /// Whether every host receives the messages, and its handlers see the plugin's state on that
    /// host only, instead of the plugin's own.
    pub broadcast: bool,
}

impl Subscription {
    /// A subscription with the defaults of the routes file.
    #[must_use]
    pub fn new(name: &str, topic: &str, plugin: &str) -> Self {
        Self {
            name: name.into(),
            topic: TopicPattern::new(topic),
            plugin: plugin.into(),
            key: None,
            tags: Vec::new(),
            filter: None,
            start: Start::Last,
            dedup: None,
            order: Order::Key,
            concurrency_max: 1024,
            retry: RetrySchedule::default(),
            on_exhausted: OnExhausted::DeadLetter,
            broadcast: false,
        }
    }

    /// Whose state its handlers see.
    #[must_use]
    pub fn owner(&self) -> Name {
        reserved::owner(&self.plugin, self.broadcast)
    }

    /// Whether its handlers see the state of this owner.
    #[must_use]
    pub fn is_of(&self, owner: &str) -> bool {
        self.plugin == *reserved::plugin_of(owner) && self.broadcast == reserved::is_on_host(owner)
    }

    /// Whether a timer set under `key` is delivered under that key: its scope is its key.
    #[must_use]
    pub fn keeps_scope(&self, key: &str) -> bool {
        match self.order {
            Order::Key => true,
            Order::Global => self.name == *key,
            Order::None => false,
        }
    }

    /// Whether a message of its topic is received. A timer is the plugin's own, and passes the
    /// filter unasked: it would wait for ever otherwise.
    #[must_use]
    pub fn accepts(&self, message: &Message) -> bool {
        let passes = |filter: &Filter| message.timer.is_some() || filter.accepts(message);
        self.has_tag(message.tag.as_ref()) && self.filter.as_ref().is_none_or(passes)
    }

    /// Whether messages with this tag are received, or those with none.
    #[must_use]
    pub fn has_tag(&self, tag: Option<&Name>) -> bool {
        self.tags.is_empty() || tag.is_some_and(|tag| self.tags.contains(tag))
    }
}

/// How a subscription tells messages that it has handled before: they are acknowledged, and no
/// handler is called. Two messages of a key are the same if they have the same id. The id is
/// claimed in the record of the handler that succeeds, so one that fails leaves no claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DedupPolicy {
    /// Where a message's id is.
    pub id: KeySource,
    /// How long an id is remembered after a message of it was handled.
    pub window: Duration,
}

/// What a subscription handles one at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The messages of a key, in their order.
    #[default]
    Key,
    /// Nothing: messages have no lane and no state.
    None,
    /// All messages: one lane, keyed by the subscription's name.
    Global,
}

/// The delays between one failed delivery and the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule(Vec<Duration>);

impl RetrySchedule {
    /// RocketMQ's 16 retries, 10 s to 2 h: its delay levels from the third on.
    #[must_use]
    pub fn rocketmq() -> Self {
        let first = DelayLevel::new(3).expect("a level from 1 to 18");
        Self(first.and_later().map(DelayLevel::delay).collect())
    }

    /// These delays; as many retries as there are delays.
    #[must_use]
    pub fn new(delays: Vec<Duration>) -> Self {
        Self(delays)
    }

    /// The delay after `attempts` failed deliveries; none when the schedule is used up.
    #[must_use]
    pub fn after(&self, attempts: u32) -> Option<Duration> {
        let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
        self.0.get(index).copied()
    }
}

impl Default for RetrySchedule {
    /// 16 retries: 1 s, doubling up to 10 min.
    fn default() -> Self {
        Self(
            (0..16)
                .map(|n| Duration::from_secs((1 << n).min(600)))
                .collect(),
        )
    }
}

/// What happens to a message whose retries are used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExhausted {
    /// It becomes a dead letter and its key goes on.
    #[default]
    DeadLetter,
    /// Its key stays parked until an operator acts.
    Halt,
}
