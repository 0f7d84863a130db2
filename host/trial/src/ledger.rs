//! What the log's records amount to: read off what is durable, and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use wasmill_model::effects::{Delayed, Scope, TimerRef};
use wasmill_model::record::DeadLetter;
use wasmill_model::{Decision, Half, Message, MessageId, Millis, Name, Op, PartitionId, Record};

/// A message that the plugin sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sent {
    pub(crate) topic: Name,
    pub(crate) key: Option<Name>,
    pub(crate) tag: Option<Name>,
    pub(crate) headers: Vec<(Name, Name)>,
    pub(crate) body: Bytes,
    pub(crate) delay: Option<Duration>,
}

impl Sent {
    pub(crate) fn new(message: &Message, delay: Option<Duration>) -> Self {
        Self {
            topic: message.topic.clone(),
            key: message.key.clone(),
            tag: message.tag.clone(),
            headers: message.headers.clone(),
            body: message.body.clone(),
            delay,
        }
    }
}

/// What a handler did, as its record says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Did {
    pub(crate) ending: Ending,
    pub(crate) sent: Vec<Sent>,
    pub(crate) timers_set: Vec<Delayed>,
    pub(crate) timers_cancelled: Vec<Name>,
    pub(crate) writes: Vec<(Name, Option<Bytes>)>,
}

/// What became of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is done with.
    #[default]
    Settled,
    /// It is tried again at this time; never if its key is halted.
    Retry(Millis),
    /// It is a dead letter.
    Buried,
}

/// A delivery that is to be tried again.
type Retry = (PartitionId, Name, u64);

/// All that is durable.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// What the plugin sent, in order.
    pub(crate) sent: Vec<Sent>,
    /// Entries by scope and name, those of the host's own among them.
    pub(crate) states: BTreeMap<Scope, BTreeMap<Name, Bytes>>,
    /// What waits for its time.
    pub(crate) delayed: BTreeMap<TimerRef, Delayed>,
    pub(crate) dead: Vec<DeadLetter>,
    /// Half messages that nobody decided about.
    pub(crate) halves: BTreeMap<MessageId, Half>,
    retries: BTreeMap<Retry, Millis>,
    schedules: BTreeMap<Name, Option<Millis>>,
}

impl Ledger {
    /// Takes a record that became durable `now`; what a handler did, if it is of one.
    pub(crate) fn apply(&mut self, record: &Record, now: Millis) -> Option<Did> {
        let handled = record.ops.iter().any(|op| matches!(op, Op::Handled(_)));
        let buried = record.ops.iter().any(|op| matches!(op, Op::Bury(_)));
        let decided = |op: &Op| {
            matches!(
                op,
                Op::Decide {
                    decision: Decision::Commit,
                    ..
                }
            )
        };
        // What a dead letter's event says is the host's own.
        let sends = (handled && !buried) || record.ops.iter().any(decided);
        let mut did = Did::default();
        let mut seen = Vec::new();
        for op in &record.ops {
            match op {
                Op::Deliver { message, .. } | Op::Send { message, .. } if sends => {
                    // One that goes to several partitions is there for each.
                    if !seen.contains(&message.id) {
                        seen.push(message.id);
                        did.sent.push(Sent::new(message, None));
                    }
                }
                Op::Delay(delayed) => {
                    match (sends, delayed.message.timer.is_some()) {
                        (true, true) => did.timers_set.push(delayed.clone()),
                        (true, false) => {
                            let delay = Some(delayed.due.since(now));
                            did.sent.push(Sent::new(&delayed.message, delay));
                        }
                        (false, _) => {}
                    }
                    self.delayed.insert(delayed.reference(), delayed.clone());
                }
                Op::Undelay(reference) => {
                    let gone = self.delayed.remove(reference);
                    did.timers_cancelled
                        .extend(gone.and_then(|it| it.message.timer.clone()));
                }
                Op::State { scope, writes } => {
                    self.write(scope, writes);
                    did.writes.extend(writes.iter().cloned());
                }
                other => self.end(record.partition, other, &mut did.ending),
            }
        }
        self.sent.extend(did.sent.iter().cloned());
        handled.then_some(did)
    }

    /// What ends, or puts off, deliveries and half messages.
    fn end(&mut self, partition: PartitionId, op: &Op, ending: &mut Ending) {
        match op {
            Op::Settle {
                subscription, seq, ..
            } => {
                self.retries
                    .remove(&(partition, subscription.clone(), *seq));
            }
            Op::Retry {
                subscription,
                seq,
                due,
                ..
            } => {
                *ending = Ending::Retry(*due);
                self.retries
                    .insert((partition, subscription.clone(), *seq), *due);
            }
            Op::Bury(letter) => {
                *ending = Ending::Buried;
                let retry = (partition, letter.subscription.clone(), letter.seq);
                self.retries.remove(&retry);
                self.dead.push(letter.clone());
            }
            Op::Prepare(half) => {
                self.halves.insert(half.id(), Half::clone(half));
            }
            Op::Decide { half, .. } => drop(self.halves.remove(half)),
            Op::Schedule { name, runs } => {
                let next = runs.as_ref().and_then(|it| it.next);
                self.schedules.insert(name.clone(), next);
            }
            _ => {}
        }
    }

    /// Takes what is written to a key's state.
    pub(crate) fn write(&mut self, scope: &Scope, writes: &[(Name, Option<Bytes>)]) {
        let entries = self.states.entry(scope.clone()).or_default();
        for (name, value) in writes {
            match value {
                Some(value) => entries.insert(name.clone(), value.clone()),
                None => entries.remove(name),
            };
        }
    }

    /// When something is to happen next, after this time; none if nothing is. What is due already
    /// waits for something else than time.
    pub(crate) fn next_due(&self, after: Millis) -> Option<Millis> {
        let delayed = self.delayed.keys().map(|it| it.due);
        let retries = self.retries.values().copied();
        let halves = self.halves.values().filter_map(|half| half.next_check);
        let schedules = self.schedules.values().filter_map(|next| *next);
        let all = delayed.chain(retries).chain(halves).chain(schedules);
        all.filter(|due| *due > after && *due != Millis::MAX).min()
    }

    /// The entries of a plugin's key.
    pub(crate) fn entries(&self, plugin: &Name, key: &str) -> Option<&BTreeMap<Name, Bytes>> {
        self.states.get(&Scope {
            plugin: plugin.clone(),
            key: key.into(),
        })
    }

    /// The timers that are pending of a plugin's key, by name.
    pub(crate) fn timers(&self, plugin: &Name, key: &str) -> Vec<&Delayed> {
        let of_key = |it: &&Delayed| {
            let scope = it.scope.as_ref();
            let own = scope.is_some_and(|scope| scope.plugin == *plugin && scope.key == *key);
            own && it.message.timer.is_some()
        };
        let mut timers: Vec<_> = self.delayed.values().filter(of_key).collect();
        timers.sort_by_key(|it| it.message.timer.clone());
        timers
    }
}
