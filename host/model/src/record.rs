//! The commit record: the unit of durability, recovery, trace and, later, replication.
//!
//! A record carries effects, never inputs, so applying it runs no plugin. Each [`Op`] is blind:
//! it states what is now true and depends on nothing that was read before, so applying a record
//! again to a store that already holds part of it changes nothing.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::effects::{Delayed, Scope, TimerRef};
use crate::half::{Decision, Half};
use crate::{Message, MessageId, Millis, Name, PartitionId, Position, Target};

/// What one command committed in one partition, atomically.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The partition.
    pub partition: PartitionId,
    /// The record's place in its partition: consecutive from 0.
    pub position: u64,
    /// What it did, in order.
    pub ops: Vec<Op>,
}

/// One effect within a record. The log numbers them in this order: new ones come last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// A message arrives in this partition for some of its subscriptions. A message without
    /// targets is kept in the log for as long as the log is kept.
    Deliver {
        /// The message's number in this partition.
        seq: u64,
        /// The message.
        message: Arc<Message>,
        /// The subscriptions that get it here.
        targets: Vec<Target>,
    },
    /// A subscription is done with a message.
    Settle {
        /// The subscription.
        subscription: Name,
        /// The key it had there.
        key: Option<Name>,
        /// The message's number.
        seq: u64,
    },
    /// A delivery failed and will be tried again.
    Retry {
        /// The subscription.
        subscription: Name,
        /// The key it has there.
        key: Option<Name>,
        /// The message's number.
        seq: u64,
        /// How many deliveries have failed.
        attempts: u32,
        /// When the next one is due; [`Millis::MAX`] if the key is halted.
        due: Millis,
        /// Why the last one failed.
        cause: String,
    },
    /// A subscription gives a message up: it becomes a dead letter.
    Bury(DeadLetter),
    /// Writes to a scope's state; none is a delete.
    State {
        /// The scope.
        scope: Scope,
        /// Names and values.
        writes: Vec<(Name, Option<Bytes>)>,
    },
    /// A message waits for its time in this partition.
    Delay(Delayed),
    /// A delayed message waits no longer: it was delivered, cancelled or recalled.
    Undelay(TimerRef),
    /// A message leaves for another partition.
    Send {
        /// The receiving partition.
        to: PartitionId,
        /// Its number on the way from this partition to that one, consecutive from 0.
        number: u64,
        /// The message.
        message: Arc<Message>,
        /// The subscriptions that get it there.
        targets: Vec<Target>,
    },
    /// The message of this number arrived from another partition. A [`Op::Deliver`] follows.
    Receive {
        /// The sending partition.
        from: PartitionId,
        /// Its number on the way.
        number: u64,
    },
    /// A producer's id is taken.
    Claim(Claim),
    /// A dead letter is taken away: it was redriven, in the same record, or purged.
    Exhume {
        /// The subscription that gave it up.
        subscription: Name,
        /// The message's number.
        seq: u64,
    },
    /// A half message is prepared, or was asked about in vain.
    Prepare(Box<Half>),
    /// A half message is settled. If it is committed, what delivers it follows.
    Decide {
        /// The half message.
        half: MessageId,
        /// What becomes of it.
        decision: Decision,
    },
    /// Where a subscription stands. What is delivered in the same record, it gets anew.
    Position(Position),
    /// The delivery that this record is the outcome of. It changes nothing: it is for those who
    /// look messages up.
    Handled(Handled),
    /// How a schedule stands now; none if the routes no longer have it.
    Schedule {
        /// Its name.
        name: Name,
        /// Its runs.
        runs: Option<ScheduledRuns>,
    },
    /// What the call of an [`Op::Handled`] in the same record used, besides its time and fuel. It
    /// changes nothing either.
    Used(Used),
}

/// A delivery of a message to a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// The plugin.
    pub plugin: Name,
    /// 1 for the first delivery.
    pub attempt: u32,
    /// What the call was, and took; none if no handler was called.
    pub call: Option<Called>,
}

/// What the call of a handler was, and took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// The code that was called.
    pub version: CodeVersion,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// The fuel that it burnt.
    pub fuel: u64,
}

/// What the call of a handler used, besides its time and fuel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The most bytes of memories and tables that its instance held. They never shrink, so a reused
    /// instance holds what the messages before needed, too.
    pub memory_bytes: u64,
    /// How many of these the call added, those of starting its instance apart.
    pub memory_grown_bytes: u64,
    /// Calls of the contract's functions.
    pub host_calls: u32,
    /// Bytes of the message's body.
    pub bytes_in: u64,
    /// Bytes that it sent and wrote, as `effect_bytes_max` counts them. A call that failed has done
    /// nothing with them.
    pub bytes_out: u64,
}

/// A version of a plugin's code: the first bytes of its content hash. Written as 12 hexadecimal
/// digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeVersion([u8; 6]);

impl CodeVersion {
    /// The version with this content hash: hexadecimal digits, at least 12 of them. Zero for
    /// another text.
    #[must_use]
    pub fn of_hash(hash: &str) -> Self {
        let digits = hash.get(..12).unwrap_or_default();
        let [_, _, bytes @ ..] = u64::from_str_radix(digits, 16).unwrap_or(0).to_be_bytes();
        Self(bytes)
    }
}

impl fmt::Display for CodeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The runs of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduledRuns {
    /// The expression and the time zone that `next` was found with.
    pub timing: Name,
    /// The time of the next run; none if there is none.
    pub next: Option<Millis>,
    /// The time for which it ran last.
    pub last: Option<Millis>,
}

/// A message that a subscription gave up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The message's number in the partition.
    pub seq: u64,
    /// The subscription that gave it up.
    pub subscription: Name,
    /// The key it had there.
    pub key: Option<Name>,
    /// The message.
    pub message: Arc<Message>,
    /// How many deliveries failed.
    pub attempts: u32,
    /// Why the last one failed.
    pub cause: String,
    /// When it was given up.
    pub at: Millis,
}

/// A producer's id within a topic and key, and what was accepted under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// A 128-bit hash of topic, key and id.
    pub id: u128,
    /// A 128-bit hash of what was accepted: the same id with another content is refused.
    pub content: u128,
    /// The message that was accepted.
    pub message: MessageId,
    /// Until when the id is remembered.
    pub expires: Millis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_reads_as_its_hash_begins() {
        let hash = "00a1b2c3d4e5f6a7b8c9";
        assert_eq!(CodeVersion::of_hash(hash).to_string(), hash[..12]);
        assert_eq!(CodeVersion::of_hash("short").to_string(), "000000000000");
    }
}
