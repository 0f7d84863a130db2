//! What the operations of one record say together.

use wasmill_model::record::{Handled, Used};
use wasmill_model::reserved::{self, Entry};
use wasmill_model::{Message, MessageId, Millis, Name, Op, Record};

use super::event::{Did, Ending};

/// Why a record has a message for subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was taken in, or sent.
    Sent,
    /// It came from another partition.
    Arrived,
    /// Its time came.
    Due,
    /// It was a dead letter.
    Redriven,
    /// Its subscription was moved back.
    Replayed,
}

/// Why `record` has this message for subscriptions.
pub(super) fn origin(record: &Record, message: MessageId) -> Origin {
    let says = |op: &Op| match op {
        Op::Receive { .. } => Some(Origin::Arrived),
        Op::Undelay(timer) if timer.id == message => Some(Origin::Due),
        Op::Exhume { .. } => Some(Origin::Redriven),
        Op::Position(_) => Some(Origin::Replayed),
        _ => None,
    };
    record.ops.iter().find_map(says).unwrap_or(Origin::Sent)
}

/// The delivery that a record ends.
pub(super) struct Ended<'a> {
    pub(super) seq: u64,
    pub(super) subscription: &'a Name,
    pub(super) key: Option<&'a Name>,
    /// None if it did not end: an operator set it going again.
    pub(super) ending: Option<Ending>,
    pub(super) handled: Option<&'a Handled>,
    pub(super) used: Option<&'a Used>,
}

/// The deliveries that `record` ends: one, or those that a move drops.
pub(super) fn ended(record: &Record) -> impl Iterator<Item = Ended<'_>> {
    let handled = record.ops.iter().find_map(|op| match op {
        Op::Handled(handled) => Some(handled),
        _ => None,
    });
    let used = record.ops.iter().find_map(|op| match op {
        Op::Used(used) => Some(used),
        _ => None,
    });
    record.ops.iter().filter_map(move |op| match op {
        Op::Settle {
            subscription,
            key,
            seq,
        } => Some(Ended {
            seq: *seq,
            subscription,
            key: key.as_ref(),
            ending: Some(match handled {
                Some(_) => Ending::Done,
                None => Ending::Dropped,
            }),
            handled,
            used,
        }),
        Op::Retry {
            subscription,
            key,
            seq,
            attempts,
            due,
            cause,
        } => Some(Ended {
            seq: *seq,
            subscription,
            key: key.as_ref(),
            ending: handled.map(|_| failed(*attempts, *due, cause.clone())),
            handled,
            used,
        }),
        Op::Bury(letter) if letter.attempts > 0 => Some(Ended {
            seq: letter.seq,
            subscription: &letter.subscription,
            key: letter.key.as_ref(),
            ending: Some(Ending::Dead {
                attempts: letter.attempts,
                cause: letter.cause.clone(),
            }),
            handled,
            used,
        }),
        _ => None,
    })
}

fn failed(attempts: u32, due: Millis, cause: String) -> Ending {
    match due {
        Millis::MAX => Ending::Halted { attempts, cause },
        due => Ending::Retry {
            attempts,
            due,
            cause,
        },
    }
}

/// What the handler of message `by` did with `record`. `own` is the timer that the message is.
pub(super) fn did(record: &Record, by: MessageId, own: Option<&Name>) -> Did {
    let mut did = Did::default();
    for op in &record.ops {
        match op {
            Op::Deliver { message, .. } | Op::Send { message, .. } => did.caused(by, message),
            Op::Bury(letter) => did.caused(by, &letter.message),
            Op::Delay(delayed) => match &delayed.message.timer {
                Some(name) => did.timers_set.push((name.clone(), delayed.message.id)),
                None => did.sent.push(delayed.message.id),
            },
            Op::State { writes, .. } => {
                for (name, value) in writes {
                    did.wrote(name, value.is_some(), own);
                }
            }
            _ => {}
        }
    }
    did
}

impl Did {
    /// A message that `by` sent. One that goes to several partitions is there several times.
    fn caused(&mut self, by: MessageId, message: &Message) {
        if message.causation == Some(by) && self.sent.last() != Some(&message.id) {
            self.sent.push(message.id);
        }
    }

    fn wrote(&mut self, name: &Name, is_there: bool, own: Option<&Name>) {
        match (reserved::entry(name), is_there) {
            (None, true) => self.written.push(name.clone()),
            (None, false) => self.deleted.push(name.clone()),
            (Some(Entry::Claim(id)), true) => self.claimed.push(id.into()),
            // A timer that rang is over; that is no cancelling.
            (Some(Entry::Timer(timer)), false) if own.is_none_or(|own| own != timer) => {
                self.timers_cancelled.push(timer.into());
            }
            (Some(Entry::Recallable(id)), false) => self.recalled.push(id),
            (Some(_), _) => {}
        }
    }
}
