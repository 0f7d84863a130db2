//! Finds messages in records: those that were stored there, by key, topic, flow and time.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use wasmill_model::half::Owner;
use wasmill_model::{Message, MessageId, Millis, Name, Op, Record, Target};

use super::event;
use super::parse::{self, Origin};
use super::sieve::Sieve;

/// Which messages are looked for: those that meet all that is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The message's key, or the one that a subscription has it under.
    pub key: Option<Name>,
    /// The topic.
    pub topic: Option<Name>,
    /// The flow.
    pub correlation: Option<MessageId>,
    /// Stored at this time, or later.
    pub from: Millis,
    /// Stored before this time.
    pub to: Millis,
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub place: Place,
    /// When it was stored there; when it was sent or is due, if it is not in the log.
    pub at: Millis,
    /// What was stored.
    pub as_what: Stored,
    /// The message, without its body.
    pub message: Message,
    /// How many bytes its body has.
    pub body_bytes: usize,
}

/// As what a message was stored, or waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It was taken in, or sent, to be delivered at once.
    Sent,
    /// It waits for its time.
    Delayed,
    /// It is a half message.
    Prepared,
    /// Its time came. It is in the log as delayed before, if the log reaches back so far.
    Due,
    /// It waits for a subscription, and the log no longer has it.
    Queued,
    /// It is a dead letter, and the log no longer has it.
    Dead,
}

/// A message's place among all that are found: those that the log has are in its order; those that
/// wait, and that it no longer has, come before them, by when they were sent or are due. A later
/// place is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Not in the log.
    Waiting {
        /// When it was sent, or is due.
        sent: Millis,
        /// Its id.
        id: MessageId,
    },
    /// In the log.
    Logged {
        /// The block.
        block: u64,
        /// The record in it.
        record: u32,
        /// The operation in the record.
        op: u32,
    },
}

impl Place {
    pub(super) fn waiting(sent: Millis, id: MessageId) -> Self {
        Self::Waiting { sent, id }
    }
}

impl fmt::Display for Place {
    /// `BLOCK.RECORD.OPERATION` or `MILLISECONDS.ID`, which parses back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting { sent, id } => write!(f, "{}.{id}", sent.0),
            Self::Logged { block, record, op } => write!(f, "{block}.{record}.{op}"),
        }
    }
}

impl FromStr for Place {
    type Err = ParsePlaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (first, rest) = text.split_once('.')?;
            let first = first.parse().ok()?;
            Some(match rest.split_once('.') {
                Some((record, op)) => Self::Logged {
                    block: first,
                    record: record.parse().ok()?,
                    op: op.parse().ok()?,
                },
                None => Self::Waiting {
                    sent: Millis(first),
                    id: rest.parse().ok()?,
                },
            })
        };
        parse().ok_or_else(|| ParsePlaceError(text.to_owned()))
    }
}

/// A text that is no place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place of a message: expected the `next` of the answer before")]
pub struct ParsePlaceError(String);

/// A filter, made ready for many records.
#[derive(Clone, Debug)]
pub struct Finder {
    filter: Filter,
    sieves: Vec<Sieve>,
}

impl Finder {
    /// Finds what meets `filter`.
    #[must_use]
    pub fn new(filter: Filter) -> Self {
        let texts = [&filter.key, &filter.topic].into_iter().flatten();
        let mut sieves: Vec<_> = texts.map(|text| Sieve::of_text(text)).collect();
        sieves.extend(filter.correlation.iter().map(|id| Sieve::of_ids([id])));
        Self { filter, sieves }
    }

    /// Whether a block or a record, as it is encoded, may have what is looked for.
    #[must_use]
    pub fn wants(&self, bytes: &[u8]) -> bool {
        self.sieves.iter().all(|sieve| sieve.passes(bytes))
    }

    /// What a record has, in its order. `block` and `nth` are its place.
    #[must_use]
    pub fn find(&self, at: Millis, (block, nth): (u64, u32), record: &Record) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for (op, it) in (0..).zip(&record.ops) {
            let Some((as_what, message, targets)) = stored(record, it) else {
                continue;
            };
            // A message for several partitions leaves in one record.
            if self.meets(message, targets) && found.iter().all(|it| it.message.id != message.id) {
                let place = Place::Logged {
                    block,
                    record: nth,
                    op,
                };
                found.push(Found {
                    place,
                    at,
                    as_what,
                    message: event::without_body(message),
                    body_bytes: message.body.len(),
                });
            }
        }
        found
    }

    /// Whether a message that waits, and has this key, is looked for.
    pub(super) fn meets_waiting(&self, message: &Message, key: Option<&Name>) -> bool {
        let Filter { from, to, .. } = self.filter;
        (from..to).contains(&message.produced_at) && self.meets(message, Keys::One(key))
    }

    fn meets(&self, message: &Message, keys: Keys<'_>) -> bool {
        let Filter {
            key,
            topic,
            correlation,
            ..
        } = &self.filter;
        let has_key = |key: &Name| message.key.as_ref() == Some(key) || keys.have(key);
        key.as_ref().is_none_or(has_key)
            && topic.as_ref().is_none_or(|it| *it == message.topic)
            && correlation.is_none_or(|it| it == message.correlation)
    }
}

/// The keys under which a message is handled.
#[derive(Clone, Copy)]
enum Keys<'a> {
    Of(&'a [Target]),
    One(Option<&'a Name>),
}

impl Keys<'_> {
    fn have(self, key: &Name) -> bool {
        match self {
            Self::Of(targets) => targets.iter().any(|it| it.key.as_ref() == Some(key)),
            Self::One(one) => one == Some(key),
        }
    }
}

/// The message that an operation stores for the first time, or as due.
fn stored<'a>(record: &Record, op: &'a Op) -> Option<(Stored, &'a Arc<Message>, Keys<'a>)> {
    let (message, keys) = match op {
        Op::Deliver {
            message, targets, ..
        }
        | Op::Send {
            message, targets, ..
        } => (message, Keys::Of(targets)),
        Op::Bury(letter) if letter.attempts == 0 => (&letter.message, Keys::One(None)),
        Op::Delay(delayed) => {
            let key = delayed.scope.as_ref().map(|scope| &scope.key);
            return Some((Stored::Delayed, &delayed.message, Keys::One(key)));
        }
        Op::Prepare(half) if half.checks == 0 => {
            let key = match &half.owner {
                Owner::Plugin { scope, .. } => Some(&scope.key),
                Owner::Producer { .. } => None,
            };
            return Some((Stored::Prepared, &half.message, Keys::One(key)));
        }
        _ => return None,
    };
    match parse::origin(record, message.id) {
        Origin::Sent => Some((Stored::Sent, message, keys)),
        Origin::Due => Some((Stored::Due, message, keys)),
        Origin::Arrived | Origin::Redriven | Origin::Replayed => None,
    }
}
