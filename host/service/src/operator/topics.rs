//! Topics, as operators see them.
//!
//! The engine's thread only copies what it alone knows. Which subscriptions a topic has is looked
//! for by whoever asks, in the routes that were in force at that moment.

use std::collections::HashMap;
use std::sync::Arc;

use wasmill_engine::{Engine, TopicLevels};
use wasmill_model::routes::{Topic, TopicIndex};
use wasmill_model::{Name, Routes};
use wasmill_port::Guests;

use super::OperateError;
use crate::handle::Handle;

/// How a declared topic stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicStanding {
    /// What the routes say of it.
    pub topic: Topic,
    /// What is used of its quotas, and what was sent.
    pub levels: TopicLevels,
    /// Who receives what is sent there, and how many messages are pending in each: of all topics
    /// that the subscription has.
    pub subscriptions: Vec<(Name, u64)>,
}

/// Some topics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicPage {
    /// In the order of their names, as they are declared.
    pub topics: Vec<TopicStanding>,
    /// After which one there are more.
    pub next: Option<Name>,
}

/// What is pending in each subscription, and the routes of that moment.
struct Census {
    routes: Arc<Routes>,
    pending: HashMap<Name, u64>,
}

impl<G: Guests> Handle<G> {
    /// At most `limit` topics, or prefixes of topics, that the routes in force declare: those after
    /// a given one.
    ///
    /// # Errors
    /// [`OperateError::Stopped`].
    pub async fn topics(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<TopicPage, OperateError> {
        let survey = self.operate(|engine, _| {
            let all = (0..engine.routes().topics().len()).map(TopicIndex);
            let levels: Vec<_> = all.map(|it| engine.topic_levels(it)).collect();
            (Census::of(engine), levels)
        });
        let (census, levels) = survey.await?;
        let mut all: Vec<_> = census.routes.topics().iter().zip(levels).collect();
        all.retain(|(topic, _)| after.is_none_or(|after| topic.pattern.as_str() > after));
        all.sort_unstable_by(|(one, _), (other, _)| one.pattern.name().cmp(other.pattern.name()));
        let has_more = all.len() > limit;
        all.truncate(limit);
        let last = all.last().map(|(topic, _)| topic.pattern.name().clone());
        let standing = |(topic, levels)| census.standing(topic, levels);
        Ok(TopicPage {
            topics: all.into_iter().map(standing).collect(),
            next: last.filter(|_| has_more),
        })
    }

    /// What declares a topic: its name, or the prefix that fits it most closely. A prefix is asked
    /// for as it is declared. None if nothing does.
    ///
    /// # Errors
    /// [`OperateError::Stopped`].
    pub async fn topic(&self, name: &str) -> Result<Option<TopicStanding>, OperateError> {
        let name = Name::from(name);
        let found = self.operate(move |engine, _| {
            let index = declaring(engine.routes(), &name)?;
            Some((index, engine.topic_levels(index), Census::of(engine)))
        });
        let standing = |(index, levels, census): (TopicIndex, _, Census)| {
            census.standing(&census.routes.topics()[index.0], levels)
        };
        Ok(found.await?.map(standing))
    }
}

fn declaring(routes: &Routes, name: &str) -> Option<TopicIndex> {
    if !name.ends_with('*') {
        return routes.topic_index(name);
    }
    let mut all = routes.topics().iter();
    all.position(|it| it.pattern.as_str() == name)
        .map(TopicIndex)
}

impl Census {
    fn of(engine: &Engine) -> Self {
        let pending = engine.census();
        let pending = pending.map(|(name, pending, ..)| (name.clone(), pending));
        Self {
            routes: engine.routes().clone(),
            pending: pending.collect(),
        }
    }

    fn standing(&self, topic: &Topic, levels: TopicLevels) -> TopicStanding {
        let all = self.routes.subscriptions();
        let subscribers = all.filter(|sub| sub.topic.meets(&topic.pattern));
        let pending = |name: &Name| self.pending.get(name).copied().unwrap_or(0);
        TopicStanding {
            topic: topic.clone(),
            levels,
            subscriptions: subscribers
                .map(|sub| (sub.name.clone(), pending(&sub.name)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmill_engine::{RateUsed, TopicCounts};
    use wasmill_model::routes::{Subscription, TopicPattern};

    use super::*;

    const LEVELS: TopicLevels = TopicLevels {
        messages: None::<RateUsed>,
        bytes: None,
        counts: TopicCounts {
            outside: 0,
            inside: 0,
            refused: [0; 7],
        },
    };

    fn routes() -> Routes {
        let topics = ["order.placed", "order.old.*", "mail"];
        let wide = Subscription::new("wide", "order.*", "plugin");
        Routes::new(
            topics.map(|it| Topic::from(TopicPattern::new(it))),
            vec![wide],
        )
    }

    #[test]
    fn a_subscription_to_a_prefix_is_among_those_of_each_topic_in_it() {
        let census = Census {
            routes: Arc::new(routes()),
            pending: HashMap::from([("wide".into(), 3)]),
        };
        let wide = vec![("wide".into(), 3)];
        let topics = census.routes.topics().iter();
        let found: Vec<_> = topics
            .map(|it| census.standing(it, LEVELS).subscriptions)
            .collect();
        assert_eq!(found, [wide.clone(), wide, vec![]]);
    }

    #[test]
    fn a_prefix_is_found_as_it_is_declared_and_a_topic_by_what_fits() {
        let routes = routes();
        for (name, index) in [
            ("order.placed", Some(0)),
            ("order.old.*", Some(1)),
            ("order.old.paid", Some(1)),
            ("order.*", None),
            ("other", None),
        ] {
            assert_eq!(declaring(&routes, name), index.map(TopicIndex), "{name}");
        }
    }
}
