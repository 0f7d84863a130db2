//! Which subscriptions are not done with a message, as the records tell.

use std::collections::BTreeMap;

use wasmill_model::{Name, Op, PartitionId, Record, Target};

use super::event::Ending;
use super::waiting::{Slot, Waits};

/// A subscription that has a message and is not done with it: it waits there, or runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The subscription.
    pub subscription: Name,
    /// The key that the message has there.
    pub key: Option<Name>,
    /// How many deliveries have failed; none if no handler is done with it yet. A subscription may
    /// have the message several times, as after a redrive: the most of any of them.
    pub attempts: u32,
}

/// What subscriptions have of the messages of stories, and are not done with. One may have the same
/// message several times: each of these copies has a place of its own.
#[derive(Debug, Default)]
pub(super) struct Copies(BTreeMap<(usize, Name, Spot), Copied>);

/// Where a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    /// In a partition, under the message's number there.
    Queued(PartitionId, u64),
    /// Between two partitions, under the message's number on the way.
    Sent {
        from: PartitionId,
        to: PartitionId,
        number: u64,
    },
}

#[derive(Debug)]
struct Copied {
    key: Option<Name>,
    attempts: u32,
}

impl Copies {
    /// Takes up what an operation of a record hands out of a story's message.
    pub(super) fn hand_out(&mut self, story: usize, record: &Record, op: &Op) {
        let here = record.partition;
        match op {
            Op::Deliver { seq, targets, .. } => {
                if let Some(sent) = arrival(record) {
                    for target in targets {
                        let on_its_way = (story, target.subscription.clone(), sent);
                        self.0.remove(&on_its_way);
                    }
                }
                self.add(story, Spot::Queued(here, *seq), targets);
            }
            Op::Send {
                to,
                number,
                targets,
                ..
            } => {
                let sent = Spot::Sent {
                    from: here,
                    to: *to,
                    number: *number,
                };
                self.add(story, sent, targets);
            }
            _ => {}
        }
    }

    /// A delivery of the copy at a place ended.
    pub(super) fn end(
        &mut self,
        story: usize,
        (partition, seq): (PartitionId, u64),
        subscription: &Name,
        ending: &Ending,
    ) {
        let at = (story, subscription.clone(), Spot::Queued(partition, seq));
        match *ending {
            Ending::Retry { attempts, .. } | Ending::Halted { attempts, .. } => {
                if let Some(copy) = self.0.get_mut(&at) {
                    copy.attempts = attempts;
                }
            }
            Ending::Done
            | Ending::Skipped
            | Ending::Duplicate
            | Ending::Dropped
            | Ending::Dead { .. } => drop(self.0.remove(&at)),
        }
    }

    /// Takes up a copy that waits, and of which the log does not tell how it was stored.
    pub(super) fn wait(&mut self, story: usize, slot: &Slot, how: &Waits) {
        if let (Slot::Queued(partition, subscription, seq), Waits::Queued { key, attempts, .. }) =
            (slot, how)
        {
            let at = (story, subscription.clone(), Spot::Queued(*partition, *seq));
            let (key, attempts) = (key.clone(), *attempts);
            self.0.insert(at, Copied { key, attempts });
        }
    }

    /// Who is not done with the messages of which stories: each subscription of a story once, in
    /// the order of their names.
    pub(super) fn pending(&self) -> Vec<(usize, Pending)> {
        let mut all: Vec<(usize, Pending)> = Vec::new();
        for ((story, subscription, _), Copied { key, attempts }) in &self.0 {
            match all.last_mut() {
                Some((of, last)) if of == story && last.subscription == *subscription => {
                    last.attempts = last.attempts.max(*attempts);
                }
                _ => {
                    let pending = Pending {
                        subscription: subscription.clone(),
                        key: key.clone(),
                        attempts: *attempts,
                    };
                    all.push((*story, pending));
                }
            }
        }
        all
    }

    fn add(&mut self, story: usize, spot: Spot, targets: &[Target]) {
        for Target { subscription, key } in targets {
            let copy = Copied {
                key: key.clone(),
                attempts: 0,
            };
            self.0.insert((story, subscription.clone(), spot), copy);
        }
    }
}

/// Where the message was that a record receives from another partition.
fn arrival(record: &Record) -> Option<Spot> {
    record.ops.iter().find_map(|op| match op {
        Op::Receive { from, number } => Some(Spot::Sent {
            from: *from,
            to: record.partition,
            number: *number,
        }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use wasmill_model::{Message, MessageId, Millis};

    use super::*;

    const HERE: PartitionId = PartitionId(0);
    const THERE: PartitionId = PartitionId(1);

    fn message() -> Arc<Message> {
        Arc::new(Message {
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
        })
    }

    fn to(names: &[&str]) -> Vec<Target> {
        let target = |name: &&str| Target {
            subscription: (*name).into(),
            key: Some("k".into()),
        };
        names.iter().map(target).collect()
    }

    fn deliver(seq: u64, names: &[&str]) -> Op {
        Op::Deliver {
            seq,
            message: message(),
            targets: to(names),
        }
    }

    fn send(number: u64, names: &[&str]) -> Op {
        Op::Send {
            to: THERE,
            number,
            message: message(),
            targets: to(names),
        }
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

    impl Copies {
        fn read(&mut self, partition: PartitionId, ops: Vec<Op>) {
            let record = Record {
                partition,
                position: 0,
                ops,
            };
            for op in &record.ops {
                self.hand_out(0, &record, op);
            }
        }

        #[track_caller]
        fn pend(&self, expected: &[(&str, u32)]) {
            let pending = self.pending();
            let pending: Vec<_> = pending
                .iter()
                .map(|(_, it)| (&*it.subscription, it.attempts))
                .collect();
            assert_eq!(pending, expected);
        }
    }

    #[test]
    fn who_got_a_message_has_it_until_it_is_done() {
        for end in [Ending::Done, Ending::Duplicate, Ending::Dropped, dead()] {
            let mut copies = Copies::default();
            copies.read(HERE, vec![deliver(3, &["b", "a"])]);
            copies.pend(&[("a", 0), ("b", 0)]);
            copies.end(0, (HERE, 3), &"a".into(), &failed(2));
            copies.pend(&[("a", 2), ("b", 0)]);
            copies.end(0, (HERE, 3), &"a".into(), &end);
            copies.pend(&[("b", 0)]);
        }
    }

    #[test]
    fn a_message_between_partitions_is_pending_once_whether_its_sending_is_known_or_not() {
        for is_known in [true, false] {
            let mut copies = Copies::default();
            if is_known {
                copies.read(HERE, vec![send(7, &["a"])]);
                copies.pend(&[("a", 0)]);
            }
            let receive = Op::Receive {
                from: HERE,
                number: 7,
            };
            copies.read(THERE, vec![receive, deliver(3, &["a"])]);
            copies.pend(&[("a", 0)]);
            copies.end(0, (THERE, 3), &"a".into(), &Ending::Done);
            copies.pend(&[]);
        }
    }

    #[test]
    fn who_has_a_message_twice_is_done_with_it_after_both() {
        let mut copies = Copies::default();
        copies.read(HERE, vec![deliver(3, &["a"])]);
        copies.read(HERE, vec![deliver(4, &["a"])]);
        copies.end(0, (HERE, 3), &"a".into(), &failed(2));
        copies.pend(&[("a", 2)]);
        copies.end(0, (HERE, 3), &"a".into(), &Ending::Done);
        copies.pend(&[("a", 0)]);
        copies.end(0, (HERE, 4), &"a".into(), &Ending::Done);
        copies.pend(&[]);
    }

    #[test]
    fn what_waits_longer_than_the_log_is_kept_is_pending() {
        let mut copies = Copies::default();
        let queued = Waits::Queued {
            subscription: "a".into(),
            key: None,
            attempts: 3,
            parked: None,
        };
        copies.wait(0, &Slot::Queued(HERE, "a".into(), 3), &queued);
        let due = Millis(9);
        copies.wait(
            0,
            &Slot::Delayed(HERE, MessageId(1)),
            &Waits::Delayed { due },
        );
        copies.pend(&[("a", 3)]);
    }
}
