//! The operator's routes, checked: topics, subscriptions, HTTP routes, plugin settings.
//!
//! Read from TOML elsewhere; here they are plain data and the pure questions asked of them.

mod fanout;
mod ingress;
mod key;
mod log;
mod plugin;
mod schedule;
mod signatures;
mod subscription;
mod timing;
mod topic;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use ingress::{Ingress, IngressKey, QueryRoute};
pub use key::{KeyError, KeySource};
pub use log::LogRetention;
pub use plugin::{CallLimits, Grants, HttpLimits, Isolation, PluginSettings, SecretFile};
pub use schedule::{
    MISSED_AFTER, MISSED_COUNT_MAX, Missed, SCHEDULE_HEADER, SCHEDULED_AT_HEADER, Schedule,
};
pub use signatures::{Signatures, SignaturesRequired};
pub use subscription::{DedupPolicy, OnExhausted, Order, RetrySchedule, Subscription};
pub use timing::{Timing, TimingError, Zone};
pub use topic::{Quota, Rate, Topic, TopicIndex, TopicPattern};

use crate::half::CheckPolicy;
use crate::{Message, Millis, Name, dead_event};

/// The whole of a routes file.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Topics that may be sent to: names, and prefixes ending in `*`.
    topics: Vec<Topic>,
    /// Those that are prefixes, the closest first.
    prefixes: Vec<TopicIndex>,
    /// Subscriptions by name.
    subscriptions: BTreeMap<Name, Arc<Subscription>>,
    /// Topics that are declared by their names; what prefixes declare is matched on demand.
    by_name: HashMap<Name, Declared>,
    /// Whether a subscription receives the events of dead letters.
    hears_of_dead_letters: bool,
    /// HTTP routes that take messages in.
    pub ingress: Vec<Arc<Ingress>>,
    /// HTTP routes that answer from state.
    pub queries: Vec<Arc<QueryRoute>>,
    /// How unsettled half messages are asked about, by the topics that they go to.
    pub checks: Vec<(TopicPattern, Arc<CheckPolicy>)>,
    /// Settings by plugin.
    pub plugins: BTreeMap<Name, Arc<PluginSettings>>,
    /// Schedules by name.
    pub schedules: BTreeMap<Name, Arc<Schedule>>,
    /// How long the host keeps its log.
    pub log: LogRetention,
    /// Whose signatures of plugins are trusted.
    pub signatures: Signatures,
}

/// A topic that is declared by its name.
#[derive(Clone, Debug)]
struct Declared {
    topic: TopicIndex,
    subscribers: Vec<Arc<Subscription>>,
}

impl Routes {
    /// Routes over these topics and subscriptions, without HTTP and plugin settings.
    #[must_use]
    pub fn new(
        topics: impl IntoIterator<Item: Into<Topic>>,
        subscriptions: Vec<Subscription>,
    ) -> Self {
        let topics: Vec<Topic> = topics.into_iter().map(Into::into).collect();
        let subscriptions: BTreeMap<Name, Arc<Subscription>> = subscriptions
            .into_iter()
            .map(|sub| (sub.name.clone(), Arc::new(sub)))
            .collect();
        let (mut by_name, mut prefixes) = (HashMap::new(), Vec::new());
        for (index, topic) in topics.iter().enumerate() {
            let topic_index = TopicIndex(index);
            let Some(name) = topic.pattern.exact() else {
                prefixes.push(topic_index);
                continue;
            };
            let declared = Declared {
                topic: topic_index,
                subscribers: matching(&subscriptions, name),
            };
            by_name.insert(name.clone(), declared);
        }
        prefixes.sort_by_key(|it| std::cmp::Reverse(topics[it.0].pattern.closeness()));
        let mut all = subscriptions.values();
        let hears_of_dead_letters = all.any(|sub| sub.topic.matches(dead_event::TOPIC));
        Self {
            topics,
            prefixes,
            subscriptions,
            by_name,
            hears_of_dead_letters,
            ..Self::default()
        }
    }

    /// The same routes, with each subscription as `change` makes it.
    #[must_use]
    pub fn map_subscriptions(&self, change: impl Fn(&Subscription) -> Subscription) -> Self {
        let subscriptions = self.subscriptions().map(|it| change(it));
        let mapped = Self::new(self.topics.iter().cloned(), subscriptions.collect());
        // What is made of topics and subscriptions; all else stays.
        Self {
            topics: mapped.topics,
            prefixes: mapped.prefixes,
            subscriptions: mapped.subscriptions,
            by_name: mapped.by_name,
            hears_of_dead_letters: mapped.hears_of_dead_letters,
            ..self.clone()
        }
    }

    /// Whether messages may be sent to `topic`.
    #[must_use]
    pub fn declares(&self, topic: &str) -> bool {
        self.topic_index(topic).is_some()
    }

    /// All declared topics.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// What declares `topic`: its name, or the prefix that fits it most closely.
    #[must_use]
    pub fn topic(&self, topic: &str) -> Option<&Topic> {
        self.topic_index(topic).map(|index| &self.topics[index.0])
    }

    /// The place of what declares `topic`.
    #[must_use]
    pub fn topic_index(&self, topic: &str) -> Option<TopicIndex> {
        match self.by_name.get(topic) {
            Some(declared) => Some(declared.topic),
            None => self.prefix_of(topic),
        }
    }

    fn prefix_of(&self, topic: &str) -> Option<TopicIndex> {
        let mut closest_first = self.prefixes.iter().copied();
        closest_first.find(|it| self.topics[it.0].pattern.matches(topic))
    }

    /// Whether a message is older than its topic keeps messages: it is not to be found any more.
    #[must_use]
    pub fn is_over(&self, message: &Message, now: Millis) -> bool {
        let retention = self.topic(&message.topic).and_then(|it| it.retention);
        retention.is_some_and(|retention| now.since(message.produced_at) > retention)
    }

    /// All subscriptions, by name.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Arc<Subscription>> {
        self.subscriptions.values()
    }

    /// One subscription.
    #[must_use]
    pub fn subscription(&self, name: &str) -> Option<&Arc<Subscription>> {
        self.subscriptions.get(name)
    }

    /// Whether a subscription receives the events of dead letters.
    #[must_use]
    pub fn hears_of_dead_letters(&self) -> bool {
        self.hears_of_dead_letters
    }

    /// The settings of a plugin: its own, or the defaults.
    #[must_use]
    pub fn plugin(&self, name: &str) -> Arc<PluginSettings> {
        self.plugins.get(name).cloned().unwrap_or_default()
    }

    /// How half messages to `topic` are asked about: as the pattern says that fits it most closely,
    /// or as usual.
    #[must_use]
    pub fn check_policy(&self, topic: &str) -> Arc<CheckPolicy> {
        let fitting = self.checks.iter().filter(|(it, _)| it.matches(topic));
        let closest = fitting.max_by_key(|(it, _)| it.closeness());
        closest
            .map(|(_, policy)| policy.clone())
            .unwrap_or_default()
    }

    /// Calls `visit` with each subscription to `topic`; tells what declares it.
    pub fn each_subscriber(
        &self,
        topic: &str,
        mut visit: impl FnMut(&Subscription),
    ) -> Option<TopicIndex> {
        if let Some(declared) = self.by_name.get(topic) {
            declared.subscribers.iter().for_each(|sub| visit(sub));
            return Some(declared.topic);
        }
        let all = self.subscriptions.values();
        let subscribers = all.filter(|sub| sub.topic.matches(topic));
        subscribers.for_each(|sub| visit(sub));
        self.prefix_of(topic)
    }
}

fn matching(
    subscriptions: &BTreeMap<Name, Arc<Subscription>>,
    topic: &str,
) -> Vec<Arc<Subscription>> {
    subscriptions
        .values()
        .filter(|sub| sub.topic.matches(topic))
        .cloned()
        .collect()
}
