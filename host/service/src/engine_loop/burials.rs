//! Dead letters as operators hear of them: counted each, and told of at most once a second.

use std::collections::HashMap;

use wasmill_engine::LetterId;
use wasmill_model::Name;
use wasmill_model::record::DeadLetter;

use crate::metrics::Metrics;

/// Dead letters since they were last told of, by subscription.
#[derive(Debug, Default)]
pub(super) struct Burials {
    untold: HashMap<Name, u64>,
}

impl Burials {
    /// A message was given up. The first one of a subscription is told of at once.
    pub(super) fn add(&mut self, id: &LetterId, letter: &DeadLetter, metrics: &Metrics) {
        let subscription = &letter.subscription;
        metrics.buried(subscription);
        if let Some(untold) = self.untold.get_mut(subscription) {
            *untold += 1;
            return;
        }
        self.untold.insert(subscription.clone(), 0);
        tracing::warn!(
            subscription = &**subscription,
            topic = &*letter.message.topic,
            key = letter.key.as_deref(),
            letter = %id,
            id = %letter.message.id,
            attempts = letter.attempts,
            cause = letter.cause,
            "a message was given up, and is a dead letter"
        );
    }

    /// Tells of those that came after the first ones.
    pub(super) fn tell(&mut self) {
        for (subscription, untold) in self.untold.drain() {
            if untold > 0 {
                let subscription = &*subscription;
                tracing::warn!(subscription, count = untold, "more messages were given up");
            }
        }
    }
}
