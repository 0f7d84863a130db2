//! Which subscriptions are not done with a message, as its story tells.

use std::collections::BTreeMap;

use wasmill_model::{Name, Target};

use super::event::{Ending, Event, Story, What};
use super::waiting::Waits;

/// A subscription that has a message and is not done with it: it waits there, or runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The subscription.
    pub subscription: Name,
    /// The key that the message has there.
    pub key: Option<Name>,
    /// How many deliveries have failed; none if no handler is done with it yet.
    pub attempts: u32,
}

impl Story {
    /// The subscriptions that are not done with the message, in the order of their names, if the
    /// story is told to its end.
    #[must_use]
    pub fn pending(&self) -> Vec<Pending> {
        let mut pending = BTreeMap::new();
        for Event { what, .. } in &self.events {
            match what {
                What::Sent(to)
                | What::Due(to)
                | What::Arrived(to)
                | What::Redriven(to)
                | What::Replayed(to) => {
                    pending.extend(to.iter().map(|it| (&it.subscription, Pending::queued(it))));
                }
                What::Waits(Waits::Queued {
                    subscription,
                    key,
                    attempts,
                    ..
                }) => {
                    let queued = Pending {
                        subscription: subscription.clone(),
                        key: key.clone(),
                        attempts: *attempts,
                    };
                    pending.insert(subscription, queued);
                }
                What::Handled(handling) => match handling.outcome {
                    Ending::Retry { attempts, .. } | Ending::Halted { attempts, .. } => {
                        if let Some(queued) = pending.get_mut(&handling.subscription) {
                            queued.attempts = attempts;
                        }
                    }
                    Ending::Done
                    | Ending::Skipped
                    | Ending::Duplicate
                    | Ending::Dropped
                    | Ending::Dead { .. } => drop(pending.remove(&handling.subscription)),
                },
                What::Delayed { .. }
                | What::Unroutable { .. }
                | What::Prepared { .. }
                | What::Decided(_)
                | What::Cancelled { .. }
                | What::Resumed { .. }
                | What::Purged { .. }
                | What::Waits(_) => {}
            }
        }
        pending.into_values().collect()
    }
}

impl Pending {
    fn queued(target: &Target) -> Self {
        Self {
            subscription: target.subscription.clone(),
            key: target.key.clone(),
            attempts: 0,
        }
    }
}
