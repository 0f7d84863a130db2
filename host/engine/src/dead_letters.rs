//! Dead letters that an operator takes up again, or does away with.
//!
//! They lie in the view, and here while the view does not have them yet. Whoever takes one up has
//! read it since its partition's last checkpoint ended; whether it is still there, the engine
//! knows.

use std::fmt;
use std::ops::Bound;
use std::str::FromStr;
use std::sync::Arc;

use wasmill_model::record::DeadLetter;
use wasmill_model::{Message, Millis, Name, Op, PartitionId, Routes, Target};

use crate::codec::{self, DecodeError};
use crate::engine::Engine;
use crate::layout;

/// Names a dead letter: the same message may be one in several subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId {
    /// The partition that gave it up.
    pub partition: PartitionId,
    /// The subscription that gave it up.
    pub subscription: Name,
    /// The message's number in the partition.
    pub seq: u64,
}

impl fmt::Display for LetterId {
    /// `PARTITION.SEQ.SUBSCRIPTION`, which parses back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.partition, self.seq, self.subscription)
    }
}

impl FromStr for LetterId {
    type Err = ParseLetterIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (partition, rest) = text.split_once('.')?;
            let (seq, subscription) = rest.split_once('.')?;
            Some(Self {
                partition: PartitionId(partition.parse().ok()?),
                subscription: (!subscription.is_empty()).then(|| subscription.into())?,
                seq: seq.parse().ok()?,
            })
        };
        parse().ok_or_else(|| ParseLetterIdError(text.to_owned()))
    }
}

/// A text that names no dead letter.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a dead letter: expected `PARTITION.NUMBER.SUBSCRIPTION`")]
pub struct ParseLetterIdError(String);

impl LetterId {
    /// Where the view keeps the letter.
    #[must_use]
    pub fn place(&self) -> Vec<u8> {
        layout::dead(self.partition, &self.subscription, self.seq)
    }
}

/// How a dead letter is to be delivered again: to its own subscription, for the version that serves,
/// unless it is said otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redrive {
    /// Another subscription that gets it.
    pub to: Option<Name>,
    /// The content hash of the version of that subscription's plugin that alone handles it, however
    /// often it is tried.
    pub version: Option<Name>,
}

impl Redrive {
    /// To another subscription, or to its own.
    #[must_use]
    pub fn to(to: Option<&Name>) -> Self {
        Self {
            to: to.cloned(),
            version: None,
        }
    }

    /// What a letter is delivered as, and where.
    ///
    /// # Errors
    /// [`RedriveError`] if it cannot be delivered there.
    pub fn delivery(
        &self,
        letter: &DeadLetter,
        routes: &Routes,
    ) -> Result<(Arc<Message>, Target), RedriveError> {
        let target = self.target(letter, routes)?;
        let message = letter.message.chosen_for(self.version.as_ref());
        if message.timer.is_none() {
            return Ok((message, target));
        }
        // A timer stays the plugin's own where it was one, though it is pending no longer.
        let is_own = target.subscription == letter.subscription;
        let message = Arc::new(Message {
            timer: is_own.then(|| "".into()),
            ..Message::clone(&message)
        });
        Ok((message, target))
    }

    fn target(&self, letter: &DeadLetter, routes: &Routes) -> Result<Target, RedriveError> {
        let name = self.to.as_ref().unwrap_or(&letter.subscription);
        let subscription = routes
            .subscription(name)
            .ok_or_else(|| RedriveError::UnknownSubscription(name.clone()))?;
        // It goes back to where it was, whatever the routes say now, if it ever had a key.
        if *name == letter.subscription && letter.key.is_some() {
            return Ok(Target {
                subscription: name.clone(),
                key: letter.key.clone(),
            });
        }
        let target = subscription.target(&letter.message);
        target.map_err(|cause| RedriveError::NoKey {
            subscription: name.clone(),
            cause,
        })
    }
}

/// Why a dead letter was not delivered again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedriveError {
    /// Somebody was faster.
    #[error("the dead letter is gone: it was redriven or purged")]
    Gone,
    /// The routes have no such subscription.
    #[error("subscription `{0}` is not in the routes: add it, or name another one")]
    UnknownSubscription(Name),
    /// The message has no key there.
    #[error("subscription `{subscription}` finds no key in the message: {cause}")]
    NoKey {
        /// The subscription.
        subscription: Name,
        /// Why.
        cause: String,
    },
}

/// Reads a dead letter of the view.
///
/// # Errors
/// [`DecodeError`] if it does not read back.
pub fn read(value: &[u8]) -> Result<DeadLetter, DecodeError> {
    codec::decode(value)
}

impl Engine {
    /// Those of a partition's dead letters that are newer than the view, of one subscription or of
    /// all, and come after one of them in the view; none is one that is gone.
    pub fn recent_dead_letters(
        &self,
        partition: PartitionId,
        subscription: Option<&Name>,
        after: Option<&LetterId>,
    ) -> Vec<(LetterId, Option<DeadLetter>)> {
        let first = after.map_or(0, |after| after.seq);
        let range = match subscription {
            Some(name) => (
                Bound::Included((name.clone(), first)),
                Bound::Included((name.clone(), u64::MAX)),
            ),
            None => (Bound::Unbounded, Bound::Unbounded),
        };
        let after = after.map(LetterId::place);
        let letters = self.partition(partition).dead_letters.range(range);
        let named = letters.map(|((subscription, seq), letter)| {
            let subscription = subscription.clone();
            let id = LetterId {
                partition,
                subscription,
                seq: *seq,
            };
            (id, letter.cloned())
        });
        let behind = |id: &LetterId| after.as_ref().is_none_or(|after| id.place() > *after);
        named.filter(|(id, _)| behind(id)).collect()
    }

    /// Messages that come to a partition from now on have this number, or a higher one.
    #[must_use]
    pub fn next_seq(&self, partition: PartitionId) -> u64 {
        self.partition(partition).counters.seq
    }

    /// Delivers a dead letter again, as a new message there: its attempts begin anew, and it comes
    /// after what waits.
    ///
    /// # Errors
    /// [`RedriveError`]; nothing has changed.
    pub fn redrive(
        &mut self,
        partition: PartitionId,
        letter: &DeadLetter,
        redrive: &Redrive,
        now: Millis,
    ) -> Result<(), RedriveError> {
        self.advance(now);
        let (message, target) = redrive.delivery(letter, self.routes())?;
        let exhume = self.exhume(partition, letter).ok_or(RedriveError::Gone)?;
        let send = wasmill_model::effects::Send {
            topic: None,
            message,
            targets: vec![target],
            unroutable: Vec::new(),
        };
        self.commit_as_routed(partition, vec![exhume], [send]);
        self.dispatch();
        Ok(())
    }

    /// Does away with a dead letter. False if it was gone.
    pub fn purge(&mut self, partition: PartitionId, letter: &DeadLetter, now: Millis) -> bool {
        self.advance(now);
        let exhume = self.exhume(partition, letter);
        exhume.is_some_and(|exhume| {
            self.commit(partition, vec![exhume]);
            true
        })
    }

    /// What takes the letter away; none if it is gone.
    fn exhume(&self, partition: PartitionId, letter: &DeadLetter) -> Option<Op> {
        let key = (letter.subscription.clone(), letter.seq);
        let is_gone = self.partition(partition).dead_letters.get(&key) == Some(None);
        let (subscription, seq) = key;
        (!is_gone).then_some(Op::Exhume { subscription, seq })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_back() {
        let id = LetterId {
            partition: PartitionId(63),
            subscription: "order.placed".into(),
            seq: u64::MAX,
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "1.2", "1.2.", "65536.2.s", "a.2.s", "1.-2.s"] {
            assert!(text.parse::<LetterId>().is_err(), "{text}");
        }
    }
}
