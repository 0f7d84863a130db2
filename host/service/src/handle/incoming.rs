//! Messages from outside, as callers hand them in, and what they are told.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use wasmill_engine::{Accepted, DelayedId, HalfOf, OverQuota, ProducerId, Refused};
use wasmill_model::{Message, MessageId, Name, OverLimit, PartitionId, When};

use super::BUSY_RETRY_AFTER;

/// A message from outside.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// A declared topic.
    pub topic: Name,
    /// The key.
    pub key: Option<Name>,
    /// The tag.
    pub tag: Option<Name>,
    /// The headers.
    pub headers: Vec<(Name, Name)>,
    /// The body.
    pub body: Bytes,
    /// The producer's id of the message.
    pub dedup: Option<Dedup>,
    /// When it is to be delivered.
    pub deliver: When,
    /// Set if it is a half message: delivered once it is committed.
    pub half: Option<HalfOf>,
    /// Topics one of which brings the outcome; empty if nobody waits for it.
    pub wait_for: Vec<Name>,
}

impl Incoming {
    /// As the engine takes it, and the topics that are waited for.
    pub(super) fn for_engine(self) -> (wasmill_engine::Incoming, Vec<Name>) {
        let Self {
            topic,
            key,
            tag,
            headers,
            body,
            dedup,
            deliver,
            half,
            wait_for,
        } = self;
        let producer_id = dedup.map(|dedup| ProducerId {
            id: dedup.id,
            window: dedup.window,
            claimed: None,
        });
        let incoming = wasmill_engine::Incoming {
            topic,
            key,
            tag,
            headers,
            body,
            producer_id,
            deliver,
            half,
            watch: !wait_for.is_empty(),
        };
        (incoming, wait_for)
    }
}

/// The producer's id of a message within its topic and key: the same again is accepted once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dedup {
    /// The id.
    pub id: String,
    /// How long it is remembered.
    pub window: Duration,
}

/// A message that is durable.
#[derive(Debug)]
pub struct Receipt {
    /// Its id, which is also the flow's correlation.
    pub message: MessageId,
    /// The partition that took it in.
    pub partition: PartitionId,
    /// Whether it had been taken in before, under the same producer's id.
    pub duplicate: bool,
    /// Brings the first message of the flow on one of the topics waited for.
    pub outcome: Option<oneshot::Receiver<Arc<Message>>>,
    /// What names it while it waits for its time; none for a duplicate.
    pub delayed: Option<DelayedId>,
}

impl From<Accepted> for Receipt {
    /// Of a message whose outcome nobody waits for.
    fn from(accepted: Accepted) -> Self {
        let Accepted {
            message,
            partition,
            duplicate,
            delayed,
        } = accepted;
        Self {
            message,
            partition,
            duplicate,
            outcome: None,
            delayed,
        }
    }
}

/// Why a message was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Too many messages are on their way to the log.
    #[error("the host has as many messages in hand as it can hold: come again later")]
    Busy {
        /// When to come again.
        retry_after: Duration,
    },
    /// Its topic takes no more for now.
    #[error(transparent)]
    Quota(OverQuota),
    /// Of a batch, a message before it found no room.
    #[error("a message before it in the batch found no room: send it again after that one")]
    Behind {
        /// When to send both again.
        retry_after: Duration,
    },
    /// As many half messages are unsettled as the host holds.
    #[error("{0}")]
    TooMany(String),
    /// The producer's id was used for another content.
    #[error("id `{id}` was used before for another content: take a new id, or send the same again")]
    Conflict {
        /// The id.
        id: String,
    },
    /// The topic is not declared.
    #[error("topic `{0}` is not declared in the routes")]
    UnknownTopic(Name),
    /// A part of the message is over its limit.
    #[error(transparent)]
    Limit(#[from] OverLimit),
    /// A part of the message is not of the form it must have.
    #[error("{0}")]
    Invalid(String),
    /// The store failed; the message may or may not be in the log.
    #[error("the store failed: {0}")]
    Store(String),
    /// The host is stopping.
    #[error("the host is stopping")]
    Stopped,
}

impl AcceptError {
    /// When to come again, if it was refused for want of room: what comes after it in a batch is
    /// refused too, since a key's order would be lost otherwise.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } | Self::Behind { retry_after } => Some(*retry_after),
            Self::Quota(over) => Some(over.retry_after),
            Self::TooMany(_) => Some(BUSY_RETRY_AFTER),
            _ => None,
        }
    }
}

impl From<Refused> for AcceptError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Conflict(id) => Self::Conflict { id },
            Refused::UnknownTopic(topic) => Self::UnknownTopic(topic),
            Refused::Limit(over) => Self::Limit(over),
            Refused::EmptyKey | Refused::ReservedHeader(_) => Self::Invalid(refused.to_string()),
            Refused::Half(error) => Self::TooMany(error.to_string()),
            Refused::Quota(over) => Self::Quota(over),
        }
    }
}
