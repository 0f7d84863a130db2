//! What one handler call did: buffered by the host, committed whole or dropped whole.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::half::{Decision, Half};
use crate::record::{Called, Used};
use crate::routes::TopicIndex;
use crate::{Message, MessageId, Millis, Name, Target};

/// The effects of a handler call that succeeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Messages sent, each with the subscriptions that it goes to.
    pub sends: Vec<Send>,
    /// Messages and timers to deliver later.
    pub delayed: Vec<Delayed>,
    /// Pending delayed messages and timers that will never be delivered.
    pub cancelled: Vec<TimerRef>,
    /// Writes to the key's state, the last one of each name only; none is a delete.
    pub writes: Vec<(Name, Option<Bytes>)>,
    /// Half messages of the scope that are settled.
    pub settled: Vec<(Arc<Half>, Decision)>,
}

/// A message on its way to its subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// What declares its topic in the routes that found its targets. None for a message that was
    /// sent before and goes to a subscription anew, and for one of the host's own.
    pub topic: Option<TopicIndex>,
    /// The message.
    pub message: Arc<Message>,
    /// To whom it goes; may be empty.
    pub targets: Vec<Target>,
    /// Subscriptions whose key could not be found in the message, and why.
    pub unroutable: Vec<(Name, String)>,
}

/// A message that waits for its time. Its targets are found when it falls due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delayed {
    /// When to deliver it.
    pub due: Millis,
    /// The message.
    pub message: Arc<Message>,
    /// The scope whose handlers may recall it; for a timer, the only plugin that receives it.
    pub scope: Option<Scope>,
}

impl Delayed {
    /// What names this delayed message in the timer index.
    #[must_use]
    pub fn reference(&self) -> TimerRef {
        TimerRef {
            due: self.due,
            id: self.message.id,
        }
    }
}

/// A key-value scope: what the handlers of one plugin see for one key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The plugin, or the plugin on this host: see [`crate::reserved::owner`].
    pub plugin: Name,
    /// The key.
    pub key: Name,
}

/// Identifies a pending delayed message within its partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TimerRef {
    /// When it is due.
    pub due: Millis,
    /// The message's id.
    pub id: MessageId,
}

/// How the handling of one message ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What to commit, or why not.
    pub result: Result<Effects, Failure>,
    /// The handler's call; none if no handler was called.
    pub call: Option<Metered>,
    /// Whether it is the first message of its id.
    pub uniqueness: Uniqueness,
    /// How long the message waited, from when it was sent or fell due, for its handler's first
    /// call. None for later calls.
    pub queued: Option<Duration>,
}

/// A handler's call, and its bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metered {
    /// What was called, its time and its fuel.
    pub called: Called,
    /// What it used besides.
    pub used: Used,
}

/// What a subscription's [dedup policy](crate::routes::DedupPolicy) says of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uniqueness {
    /// Nothing: there is no policy, or the message is a timer, which is the plugin's own.
    #[default]
    Unasked,
    /// The first of its id, or the first that was handled.
    First,
    /// One of this id was handled: this one is not.
    Duplicate,
    /// The message has no id, or no key under which ids are kept: it is handled all the same.
    Unidentified,
}

impl From<Result<Effects, Failure>> for Outcome {
    /// Without a call.
    fn from(result: Result<Effects, Failure>) -> Self {
        Self {
            result,
            call: None,
            uniqueness: Uniqueness::default(),
            queued: None,
        }
    }
}

/// A handler call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What becomes of the message.
    pub kind: FailureKind,
    /// Why, for people.
    pub cause: String,
}

/// What a failure asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The next delay of the subscription's schedule.
    Retry,
    /// This delay.
    RetryAfter(Duration),
    /// No retry: a dead letter at once.
    Reject,
    /// The plugin is not there; not the message's fault, and no attempt is counted.
    Unavailable,
}
