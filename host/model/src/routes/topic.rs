//! A declared topic, or prefix of topics, and the policies for what is sent there.

use std::time::Duration;

use crate::Name;
use crate::limits::MessageLimits;

/// A topic, or prefix of topics, that may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Which topics are meant. All of them share the quota.
    pub pattern: TopicPattern,
    /// How large a message may be, whoever sends it.
    pub limits: MessageLimits,
    /// How long messages can be looked up and delivered anew; none for as long as the log has them.
    pub retention: Option<Duration>,
    /// How much comes in.
    pub quota: Quota,
    /// While so many messages are pending in one of its subscriptions, waiting or running, none
    /// comes in from outside.
    pub pending_max: Option<u64>,
}

impl From<TopicPattern> for Topic {
    /// A topic with the defaults of the routes file.
    fn from(pattern: TopicPattern) -> Self {
        Self {
            pattern,
            limits: MessageLimits::default(),
            retention: None,
            quota: Quota::default(),
            pending_max: None,
        }
    }
}

/// How much comes in on a topic. What is over it is refused to those outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Messages.
    pub messages: Option<Rate>,
    /// Bytes of their bodies.
    pub bytes: Option<Rate>,
}

/// A rate, and how far ahead of it one may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u64,
    /// At once, after a pause.
    pub burst: u64,
}

/// A declared topic's place in [`super::Routes::topics`]. It holds for these routes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicIndex(pub usize);

/// A topic's name, or a prefix of names followed by `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPattern(Name);

impl TopicPattern {
    /// Reads `order.placed` or `order.*`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether `topic` is meant. No prefix means a topic of the host's own, which begins with `$`.
    #[must_use]
    pub fn matches(&self, topic: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => topic.starts_with(prefix) && !topic.starts_with('$'),
            None => self.0 == *topic,
        }
    }

    /// Whether there can be a topic that both mean.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        match (self.0.strip_suffix('*'), other.0.strip_suffix('*')) {
            (Some(one), Some(two)) => one.starts_with(two) || two.starts_with(one),
            (Some(_), None) => self.matches(&other.0),
            (None, _) => other.matches(&self.0),
        }
    }

    /// Of several that mean a topic the one with the greatest closeness counts.
    #[must_use]
    pub fn closeness(&self) -> (bool, usize) {
        (self.exact().is_some(), self.0.len())
    }

    /// The topic, if the pattern is just one.
    #[must_use]
    pub fn exact(&self) -> Option<&Name> {
        (!self.0.ends_with('*')).then_some(&self.0)
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The pattern as written, to be kept.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::TopicPattern;

    #[test]
    fn patterns_meet_where_a_topic_can_be_both() {
        for (one, two, meet) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a.*", "a.b", true),
            ("a.*", "a.b.*", true),
            ("a.*", "b.*", false),
            ("*", "$dead", false),
            ("*", "a.*", true),
        ] {
            let [one, two] = [one, two].map(TopicPattern::new);
            assert_eq!(one.meets(&two), meet, "{one:?} {two:?}");
            assert_eq!(two.meets(&one), meet, "{two:?} {one:?}");
        }
    }
}
