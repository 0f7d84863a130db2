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

#[cfg(test)]
mod tests {
    use wasmill_model::{Message, MessageId, Millis, PartitionId};

    use super::super::event::{Did, Handling};
    use super::*;

    fn story(events: Vec<What>) -> Story {
        let event = |what| Event {
            at: Millis(0),
            partition: PartitionId(0),
            what,
        };
        Story {
            message: Message {
                id: MessageId(1),
                topic: "t".into(),
                key: None,
                tag: None,
                headers: Vec::new(),
                body: bytes::Bytes::new(),
                produced_at: Millis(0),
                correlation: MessageId(1),
                causation: None,
                timer: None,
            },
            body_bytes: 0,
            events: events.into_iter().map(event).collect(),
        }
    }

    fn to(names: &[&str]) -> Vec<Target> {
        let target = |name: &&str| Target {
            subscription: (*name).into(),
            key: Some("k".into()),
        };
        names.iter().map(target).collect()
    }

    fn handled(name: &str, outcome: Ending) -> What {
        What::Handled(Box::new(Handling {
            subscription: name.into(),
            key: Some("k".into()),
            handled: None,
            outcome,
            did: Did::default(),
        }))
    }

    fn failed(attempts: u32) -> Ending {
        Ending::Retry {
            attempts,
            due: Millis(9),
            cause: "no".to_owned(),
        }
    }

    fn dead() -> Ending {
        Ending::Dead {
            attempts: 2,
            cause: "no".to_owned(),
        }
    }

    #[track_caller]
    fn pends(events: Vec<What>, expected: &[(&str, u32)]) {
        let pending = story(events).pending();
        let pending: Vec<_> = pending
            .iter()
            .map(|it| (&*it.subscription, it.attempts))
            .collect();
        assert_eq!(pending, expected);
    }

    #[test]
    fn who_got_a_message_has_it_until_it_is_done() {
        let sent = || What::Sent(to(&["b", "a"]));
        pends(vec![What::Sent(Vec::new())], &[]);
        pends(vec![sent()], &[("a", 0), ("b", 0)]);
        pends(
            vec![sent(), What::Arrived(to(&["b"]))],
            &[("a", 0), ("b", 0)],
        );
        pends(vec![sent(), handled("a", failed(2))], &[("a", 2), ("b", 0)]);
        for end in [Ending::Done, Ending::Duplicate, Ending::Dropped, dead()] {
            pends(vec![sent(), handled("a", end)], &[("b", 0)]);
        }
    }

    #[test]
    fn who_gets_a_message_anew_has_it_once_more() {
        for anew in [What::Redriven(to(&["a"])), What::Replayed(to(&["a"]))] {
            let before = vec![What::Sent(to(&["a"])), handled("a", dead())];
            pends([before, vec![anew]].concat(), &[("a", 0)]);
        }
    }

    #[test]
    fn what_waits_longer_than_the_log_is_kept_is_pending() {
        let queued = What::Waits(Waits::Queued {
            subscription: "a".into(),
            key: None,
            attempts: 3,
            parked: None,
        });
        pends(vec![queued], &[("a", 3)]);
        pends(vec![What::Waits(Waits::Delayed { due: Millis(9) })], &[]);
    }
}
