//! A message's story: what the log tells of it, in order.

use bytes::Bytes;
use wasmill_model::record::{Handled, Used};
use wasmill_model::{Decision, Message, MessageId, Millis, Name, PartitionId, Target};

use super::pending::Pending;
use super::waiting::Waits;

/// What became of a message, as far as the log reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// The message; without its body, unless that was asked for.
    pub message: Message,
    /// How many bytes its body has.
    pub body_bytes: usize,
    /// Oldest first.
    pub events: Vec<Event>,
    /// The subscriptions that are not done with it, in the order of their names, if the story is
    /// told to its end.
    pub pending: Vec<Pending>,
}

/// Something that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When its block was sealed: a few milliseconds after it happened.
    pub at: Millis,
    /// Where it was committed.
    pub partition: PartitionId,
    /// What it was.
    pub what: What,
}

/// What happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It was taken in, or sent by a handler, for these subscriptions.
    Sent(Vec<Target>),
    /// It waits for its time.
    Delayed {
        /// When it is to be delivered.
        due: Millis,
    },
    /// Its time came: it goes to these subscriptions.
    Due(Vec<Target>),
    /// It reached another partition, for these subscriptions there.
    Arrived(Vec<Target>),
    /// It became a dead letter at once: a subscription found no key in it.
    Unroutable {
        /// The subscription.
        subscription: Name,
        /// Why.
        cause: String,
    },
    /// A subscription's delivery of it ended.
    Handled(Box<Handling>),
    /// It is a half message that waits for a decision.
    Prepared {
        /// How often its owner was asked in vain.
        checks: u32,
        /// Why the last question brought no decision.
        cause: Option<String>,
        /// Whether it is asked about no more.
        abandoned: bool,
    },
    /// It was a half message, and somebody decided.
    Decided(Decision),
    /// It waits for its time no longer, and will not be delivered.
    Cancelled {
        /// The message whose handler did it; none if it is not in the same flow, or none did.
        by: Option<MessageId>,
    },
    /// An operator set its halted key going again.
    Resumed {
        /// The subscription.
        subscription: Name,
    },
    /// An operator had the dead letter delivered again, to these subscriptions.
    Redriven(Vec<Target>),
    /// An operator moved these subscriptions back: they get it anew.
    Replayed(Vec<Target>),
    /// An operator did away with the dead letter.
    Purged {
        /// The subscription that had given it up.
        subscription: Name,
    },
    /// It was stored before the log begins, or what its topic keeps, and still waits. The event
    /// stands for its storing, at the time when it was sent or is due, and tells how it waits now.
    Waits(Waits),
}

/// A delivery that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handling {
    /// The subscription.
    pub subscription: Name,
    /// The key it had there.
    pub key: Option<Name>,
    /// How it was delivered; none if an operator ended it.
    pub handled: Option<Handled>,
    /// What its call used besides time and fuel; none if no handler was called, or by a host that
    /// did not count it yet.
    pub used: Option<Used>,
    /// What came of it.
    pub outcome: Ending,
    /// What the handler did.
    pub did: Did,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The subscription is done with the message.
    Done,
    /// The timer had been cancelled after it fell due: nobody was called.
    Skipped,
    /// Its subscription had handled one of the same id: nobody was called.
    Duplicate,
    /// Its subscription was moved past it: nobody was called.
    Dropped,
    /// It failed, and comes again.
    Retry {
        /// How many deliveries have failed.
        attempts: u32,
        /// When it comes again.
        due: Millis,
        /// Why it failed.
        cause: String,
    },
    /// It failed for good, and its key is halted.
    Halted {
        /// How many deliveries have failed.
        attempts: u32,
        /// Why the last one failed.
        cause: String,
    },
    /// It is a dead letter.
    Dead {
        /// How many deliveries have failed.
        attempts: u32,
        /// Why the last one failed.
        cause: String,
    },
}

/// What a handler did; nothing, if it failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Did {
    /// Messages that it sent, at once or for later.
    pub sent: Vec<MessageId>,
    /// Entries of the key's state that it wrote.
    pub written: Vec<Name>,
    /// Entries of the key's state that it deleted.
    pub deleted: Vec<Name>,
    /// Timers that it set, and the messages that they are.
    pub timers_set: Vec<(Name, MessageId)>,
    /// Timers that it cancelled.
    pub timers_cancelled: Vec<Name>,
    /// Delayed messages that it recalled.
    pub recalled: Vec<MessageId>,
    /// Ids that it claimed.
    pub claimed: Vec<Name>,
}

/// The message, but for its body.
pub(super) fn without_body(message: &Message) -> Message {
    Message {
        body: Bytes::new(),
        ..message.clone()
    }
}

impl Story {
    /// About how many bytes of memory it holds.
    pub(super) fn footprint(message: &Message) -> usize {
        size_of::<Self>() + message.footprint()
    }
}

impl Event {
    /// About how many bytes of memory it holds.
    pub(super) fn footprint(&self) -> usize {
        let targets = |targets: &[Target]| targets.len() * 96;
        let text = match &self.what {
            What::Sent(to)
            | What::Due(to)
            | What::Arrived(to)
            | What::Redriven(to)
            | What::Replayed(to) => targets(to),
            What::Unroutable { cause, .. } => cause.len(),
            What::Handled(handling) => handling.footprint(),
            What::Prepared { cause, .. } => cause.as_ref().map_or(0, String::len),
            What::Delayed { .. }
            | What::Decided(_)
            | What::Cancelled { .. }
            | What::Resumed { .. }
            | What::Waits(_)
            | What::Purged { .. } => 0,
        };
        size_of::<Self>() + text
    }
}

impl Handling {
    fn footprint(&self) -> usize {
        let cause = match &self.outcome {
            Ending::Done | Ending::Skipped | Ending::Duplicate | Ending::Dropped => 0,
            Ending::Retry { cause, .. }
            | Ending::Halted { cause, .. }
            | Ending::Dead { cause, .. } => cause.len(),
        };
        let Did {
            sent,
            written,
            deleted,
            timers_set,
            timers_cancelled,
            recalled,
            claimed,
        } = &self.did;
        let names = [written, deleted, timers_cancelled, claimed];
        let names: usize = names.into_iter().flatten().map(|it| it.len() + 32).sum();
        let ids = (sent.len() + recalled.len() + 4 * timers_set.len()) * size_of::<MessageId>();
        size_of::<Self>() + cause + names + ids
    }
}
