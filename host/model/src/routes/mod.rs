//! The operator's routes, checked: topics, subscriptions, HTTP routes, plugin settings.
//!
//! Read from TOML elsewhere; here they are plain data and the pure questions asked of them.

mod fanout;
mod ingress;
mod key;
mod plugin;
mod schedule;
mod subscription;
mod timing;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use ingress::{Ingress, IngressKey, QueryRoute};
pub use key::{KeyError, KeySource};
pub use plugin::{CallLimits, Grants, Isolation, PluginSettings};
pub use schedule::{
    MISSED_AFTER, MISSED_COUNT_MAX, Missed, SCHEDULE_HEADER, SCHEDULED_AT_HEADER, Schedule,
};
pub use subscription::{
    DedupPolicy, OnExhausted, Order, RetrySchedule, Subscription, TopicPattern,
};
pub use timing::{Timing, TimingError, Zone};

use crate::half::CheckPolicy;
use crate::{Name, dead_event};

/// The whole of a routes file.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Topics that may be sent to: names, and prefixes ending in `*`.
    topics: Vec<TopicPattern>,
    /// Subscriptions by name.
    subscriptions: BTreeMap<Name, Arc<Subscription>>,
    /// Which subscriptions match a declared topic, found once; prefixes are matched on demand.
    by_topic: HashMap<Name, Vec<Arc<Subscription>>>,
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
}

impl Routes {
    /// Routes over these topics and subscriptions, without HTTP and plugin settings.
    #[must_use]
    pub fn new(topics: Vec<TopicPattern>, subscriptions: Vec<Subscription>) -> Self {
        let subscriptions: BTreeMap<Name, Arc<Subscription>> = subscriptions
            .into_iter()
            .map(|sub| (sub.name.clone(), Arc::new(sub)))
            .collect();
        let by_topic = topics
            .iter()
            .filter_map(TopicPattern::exact)
            .map(|topic| (topic.clone(), matching(&subscriptions, topic)))
            .collect();
        let mut all = subscriptions.values();
        let hears_of_dead_letters = all.any(|sub| sub.topic.matches(dead_event::TOPIC));
        Self {
            topics,
            subscriptions,
            by_topic,
            hears_of_dead_letters,
            ..Self::default()
        }
    }

    /// Whether messages may be sent to `topic`.
    #[must_use]
    pub fn declares(&self, topic: &str) -> bool {
        self.by_topic.contains_key(topic) || self.topics.iter().any(|p| p.matches(topic))
    }

    /// All declared topics.
    #[must_use]
    pub fn topics(&self) -> &[TopicPattern] {
        &self.topics
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
        let closest = fitting.max_by_key(|(it, _)| (it.exact().is_some(), it.as_str().len()));
        closest
            .map(|(_, policy)| policy.clone())
            .unwrap_or_default()
    }

    /// Calls `visit` with each subscription to `topic`.
    fn each_subscriber(&self, topic: &str, mut visit: impl FnMut(&Subscription)) {
        match self.by_topic.get(topic) {
            Some(found) => found.iter().for_each(|sub| visit(sub)),
            None => matching(&self.subscriptions, topic)
                .iter()
                .for_each(|sub| visit(sub)),
        }
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
