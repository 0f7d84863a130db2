//! Keys of the view.
//!
//! The first byte is the kind, then comes the partition in big-endian order, so that what one
//! partition owns of a kind lies together. Variable parts but the last carry their length.

use wasmill_model::effects::{Scope, TimerRef};
use wasmill_model::{MessageId, Millis, Name, PartitionId};

use crate::backlog::QueueId;

/// Where recovery begins, and the engine's time.
pub const META: &[u8] = b"m";

/// A partition's counters.
pub(crate) const PARTITION: u8 = b'p';
/// A subscription's backlog in a partition.
pub(crate) const BACKLOG: u8 = b'u';
/// A key's messages in a subscription, out of the backlog.
pub(crate) const TRACK: u8 = b'k';
/// A page of a queue.
pub(crate) const PAGE: u8 = b'q';
/// An entry of a key's state.
pub(crate) const STATE: u8 = b's';
/// A delayed message, by its time.
pub(crate) const TIMER: u8 = b't';
/// A producer's id.
pub(crate) const CLAIM: u8 = b'd';
/// A dead letter.
pub(crate) const DEAD: u8 = b'x';
/// A claim in a key's state, by the time when it is over.
pub(crate) const EXPIRY: u8 = b'e';
/// How a schedule stands.
pub(crate) const SCHEDULE: u8 = b'c';
/// A half message that is asked about.
pub(crate) const HALF: u8 = b'h';
/// A half message that is abandoned.
pub(crate) const ABANDONED: u8 = b'a';
/// Where a subscription stands.
pub(crate) const POSITION: u8 = b'o';

/// The kind and the partition.
const PREFIX_BYTES: usize = 3;

struct Key(Vec<u8>);

impl Key {
    fn new(kind: u8, partition: PartitionId) -> Self {
        let mut bytes = Vec::with_capacity(96);
        bytes.push(kind);
        bytes.extend_from_slice(&partition.0.to_be_bytes());
        Self(bytes)
    }

    /// A text that others follow.
    fn text(mut self, text: &str) -> Self {
        let length = u16::try_from(text.len()).expect("names and keys are bounded");
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    fn last(mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.extend_from_slice(bytes);
        self.0
    }
}

/// The prefix of a kind.
#[must_use]
pub(crate) fn kind(kind: u8) -> Vec<u8> {
    vec![kind]
}

pub(crate) fn partition(id: PartitionId) -> Vec<u8> {
    Key::new(PARTITION, id).0
}

pub(crate) fn backlog(id: PartitionId, subscription: &str) -> Vec<u8> {
    Key::new(BACKLOG, id).last(subscription.as_bytes())
}

/// A keyed message's track, or that of a single message without a key.
pub(crate) fn track(id: PartitionId, subscription: &str, key: Option<&str>, seq: u64) -> Vec<u8> {
    let head = Key::new(TRACK, id).text(subscription);
    match key {
        Some(key) => head.text(key).0,
        None => head.last(&seq.to_be_bytes()),
    }
}

/// A page of a queue.
#[must_use]
pub fn page(id: PartitionId, subscription: &str, queue: &QueueId, number: u64) -> Vec<u8> {
    let head = Key::new(PAGE, id).text(subscription);
    let head = match queue {
        QueueId::Backlog => head.byte(0),
        QueueId::Key(key) => head.byte(1).text(key),
    };
    head.last(&number.to_be_bytes())
}

/// The prefix of all entries of a scope.
#[must_use]
pub fn scope(id: PartitionId, scope: &Scope) -> Vec<u8> {
    Key::new(STATE, id).text(&scope.plugin).text(&scope.key).0
}

/// An entry of a scope.
#[must_use]
pub fn state(id: PartitionId, owner: &Scope, name: &str) -> Vec<u8> {
    Key(scope(id, owner)).last(name.as_bytes())
}

/// Where a claim in a key's state, an entry at `claim`, stands among those of its partition by when
/// they are over.
#[must_use]
pub fn expiry(id: PartitionId, expires: Millis, claim: &[u8]) -> Vec<u8> {
    let mut key = Key::new(EXPIRY, id).last(&expires.0.to_be_bytes());
    key.extend_from_slice(&claim[PREFIX_BYTES..]);
    key
}

/// When a claim is over, and its entry of the key's state, by its place among all by that time;
/// none if it is no such place.
pub(crate) fn expiring(expiry: &[u8]) -> Option<(Millis, Vec<u8>)> {
    let id = partition_of(expiry)?;
    let (expires, entry) = expiry[PREFIX_BYTES..].split_first_chunk()?;
    let claim = Key::new(STATE, id).last(entry);
    Some((Millis(u64::from_be_bytes(*expires)), claim))
}

/// The prefix of a partition's claims by when they are over.
#[must_use]
pub fn expiries(id: PartitionId) -> Vec<u8> {
    Key::new(EXPIRY, id).0
}

/// A delayed message.
#[must_use]
pub fn timer(id: PartitionId, timer: TimerRef) -> Vec<u8> {
    let mut key = timers_from(id, timer.due);
    key.extend_from_slice(&timer.id.0.to_be_bytes());
    key
}

/// Where the delayed messages of a time begin.
#[must_use]
pub fn timers_from(id: PartitionId, due: Millis) -> Vec<u8> {
    Key::new(TIMER, id).last(&due.0.to_be_bytes())
}

/// The prefix of a partition's delayed messages.
#[must_use]
pub fn timers(id: PartitionId) -> Vec<u8> {
    Key::new(TIMER, id).0
}

/// A producer's id, by its hash.
pub(crate) fn claim(id: PartitionId, claim: u128) -> Vec<u8> {
    Key::new(CLAIM, id).last(&claim.to_be_bytes())
}

/// The prefix of a partition's producers' ids.
#[must_use]
pub fn claims(id: PartitionId) -> Vec<u8> {
    Key::new(CLAIM, id).0
}

/// The prefix of a partition's dead letters, or of those of one subscription.
#[must_use]
pub fn dead_letters(id: PartitionId, subscription: Option<&str>) -> Vec<u8> {
    let key = Key::new(DEAD, id);
    match subscription {
        Some(subscription) => key.text(subscription).0,
        None => key.0,
    }
}

/// A dead letter.
#[must_use]
pub fn dead(id: PartitionId, subscription: &str, seq: u64) -> Vec<u8> {
    Key::new(DEAD, id)
        .text(subscription)
        .last(&seq.to_be_bytes())
}

/// A half message that is asked about.
pub(crate) fn half(id: PartitionId, half: MessageId) -> Vec<u8> {
    Key::new(HALF, id).last(&half.0.to_be_bytes())
}

/// A half message that is abandoned.
#[must_use]
pub fn abandoned(id: PartitionId, half: MessageId) -> Vec<u8> {
    Key::new(ABANDONED, id).last(&half.0.to_be_bytes())
}

/// The prefix of a partition's half messages that are abandoned.
#[must_use]
pub fn all_abandoned(id: PartitionId) -> Vec<u8> {
    Key::new(ABANDONED, id).0
}

/// Where a subscription stands.
pub(crate) fn position(id: PartitionId, subscription: &str) -> Vec<u8> {
    Key::new(POSITION, id).last(subscription.as_bytes())
}

/// How a schedule stands.
pub(crate) fn schedule(id: PartitionId, name: &str) -> Vec<u8> {
    Key::new(SCHEDULE, id).last(name.as_bytes())
}

/// The prefix of a partition's entries of a kind.
pub(crate) fn of_kind(kind: u8, id: PartitionId) -> Vec<u8> {
    Key::new(kind, id).0
}

/// The subscription, the queue and the number of a page, by its key; none if it is no such key.
pub(crate) fn queue_of(page: &[u8]) -> Option<(Name, QueueId, u64)> {
    let (subscription, rest) = split_text(page.get(PREFIX_BYTES..)?)?;
    let (queue, rest) = match rest.split_first()? {
        (0, rest) => (QueueId::Backlog, rest),
        (_, rest) => {
            let (key, rest) = split_text(rest)?;
            (QueueId::Key(key), rest)
        }
    };
    let number = u64::from_be_bytes(rest.try_into().ok()?);
    Some((subscription, queue, number))
}

/// A text, and what follows it.
fn split_text(bytes: &[u8]) -> Option<(Name, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
    Some((std::str::from_utf8(text).ok()?.into(), rest))
}

/// The partition that a key belongs to.
pub(crate) fn partition_of(key: &[u8]) -> Option<PartitionId> {
    let bytes = key.get(1..PREFIX_BYTES)?;
    Some(PartitionId(u16::from_be_bytes(bytes.try_into().ok()?)))
}
