//! What waits: told from the view, brought up to date from the end of the log.
//!
//! What the log no longer has is in the view if it still waits, as the log is only trimmed behind
//! checkpoints. The view is read while checkpoints go on, so what is read is no moment's state; but
//! each partition is at least as its checkpoint left it, and the records since then, applied to
//! that, say what is true at their end: they are blind.

mod tail;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use wasmill_model::{Message, MessageId, Millis, Name, PartitionId};

use self::view::Reading;
use super::event;
use super::find::{Filter, Finder, Found, Place, Stored};
use super::sieve::Sieve;
use super::wanted::Wanted;

/// How a message waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// For its time.
    Delayed {
        /// When it is to be delivered.
        due: Millis,
    },
    /// For a subscription's handler, or for its end.
    Queued {
        /// The subscription.
        subscription: Name,
        /// The key that it has there.
        key: Option<Name>,
        /// How many deliveries have failed.
        attempts: u32,
        /// Set if the last one failed, and holds up its key.
        parked: Option<Parking>,
    },
    /// For an operator: its subscription gave it up.
    Dead {
        /// The subscription.
        subscription: Name,
        /// The key that it had there.
        key: Option<Name>,
        /// How many deliveries have failed.
        attempts: u32,
        /// Why the last one failed.
        cause: String,
        /// When it was given up.
        since: Millis,
    },
    /// For a decision: it is a half message.
    Prepared {
        /// How often its owner was asked in vain.
        checks: u32,
        /// Why the last question brought no decision.
        cause: Option<String>,
        /// Whether it is asked about no more.
        abandoned: bool,
    },
}

/// A failed message's wait for its next delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parking {
    /// When it comes again; [`Millis::MAX`] if its key is halted.
    pub due: Millis,
    /// Why it failed.
    pub cause: String,
}

/// Which messages are looked for.
#[derive(Clone, Debug)]
pub struct Sought(Seek);

#[derive(Clone, Debug)]
enum Seek {
    Stories(Wanted, Sieve),
    Page(Finder, Option<Place>),
}

impl Sought {
    /// Those whose stories are told.
    #[must_use]
    pub fn of_stories(wanted: &Wanted) -> Self {
        Self(Seek::Stories(wanted.clone(), wanted.sieve()))
    }

    /// Those that meet a filter, before a place.
    #[must_use]
    pub fn of_page(filter: &Filter, before: Option<Place>) -> Self {
        Self(Seek::Page(Finder::new(filter.clone()), before))
    }

    /// Whether encoded bytes may have one of them.
    fn passes(&self, bytes: &[u8]) -> bool {
        match &self.0 {
            Seek::Stories(_, sieve) => sieve.passes(bytes),
            Seek::Page(finder, _) => finder.wants(bytes),
        }
    }

    fn has(&self, message: &Message, key: Option<&Name>) -> bool {
        match &self.0 {
            Seek::Stories(wanted, _) => wanted.has(message),
            Seek::Page(finder, before) => {
                let place = Place::waiting(message.produced_at, message.id);
                before.is_none_or(|before| place < before) && finder.meets_waiting(message, key)
            }
        }
    }

    fn keep(&self, message: &Message) -> Message {
        match &self.0 {
            Seek::Stories(wanted, _) => wanted.keep(message),
            Seek::Page(..) => event::without_body(message),
        }
    }
}

/// Where a message waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    Delayed(PartitionId, MessageId),
    Prepared(PartitionId, MessageId),
    Queued(PartitionId, Name, u64),
    Dead(PartitionId, Name, u64),
}

impl Slot {
    pub(super) fn partition(&self) -> PartitionId {
        match self {
            Self::Delayed(id, _)
            | Self::Prepared(id, _)
            | Self::Queued(id, ..)
            | Self::Dead(id, ..) => *id,
        }
    }
}

/// A message that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    pub(super) message: Message,
    pub(super) body_bytes: usize,
    pub(super) how: Waits,
    /// The page of its key from which it was read, if it was: its track says whether it has left.
    key_page: Option<u64>,
}

impl Waiter {
    fn footprint(&self) -> usize {
        let text = match &self.how {
            Waits::Delayed { .. } => 0,
            Waits::Queued { parked, .. } => parked.as_ref().map_or(0, |it| it.cause.len()),
            Waits::Dead { cause, .. } => cause.len(),
            Waits::Prepared { cause, .. } => cause.as_ref().map_or(0, String::len),
        };
        // Each is in two maps.
        size_of::<Self>() + 2 * size_of::<Slot>() + self.message.footprint() + text
    }
}

/// The messages looked for that wait: the newest of them, as far as there is room.
#[derive(Debug)]
pub struct Waiting {
    sought: Sought,
    waiters: BTreeMap<Slot, Waiter>,
    /// The same ones, oldest first.
    order: BTreeSet<(Millis, MessageId, Slot)>,
    /// How many each partition has.
    counts: HashMap<PartitionId, usize>,
    reading: Reading,
    bytes: usize,
    bytes_max: usize,
    /// The newest one for which there was no room.
    left_out: Option<(Millis, MessageId)>,
}

impl Waiting {
    /// None yet, and at most about so many bytes.
    #[must_use]
    pub fn new(sought: Sought, bytes_max: usize) -> Self {
        Self {
            sought,
            waiters: BTreeMap::new(),
            order: BTreeSet::new(),
            counts: HashMap::new(),
            reading: Reading::default(),
            bytes: 0,
            bytes_max,
            left_out: None,
        }
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    /// The ids of those that wait.
    #[must_use]
    pub fn ids(&self) -> HashSet<MessageId> {
        self.order.iter().map(|(_, id, _)| *id).collect()
    }

    /// Those that wait, but for those that are `told` otherwise, newest first: each once. The last
    /// of them may be followed by others: see [`Waiting::next`].
    pub fn found(&self, told: &HashSet<MessageId>) -> impl Iterator<Item = Found> {
        let mut last = None;
        self.order
            .iter()
            .rev()
            .filter(|(_, id, _)| !told.contains(id))
            .filter(move |(_, id, _)| last.replace(*id) != Some(*id))
            .map(|(at, id, slot)| {
                let waiter = &self.waiters[slot];
                Found {
                    place: Place::waiting(*at, *id),
                    at: *at,
                    as_what: match slot {
                        Slot::Delayed(..) => Stored::Delayed,
                        Slot::Prepared(..) => Stored::Prepared,
                        Slot::Queued(..) => Stored::Queued,
                        Slot::Dead(..) => Stored::Dead,
                    },
                    message: event::without_body(&waiter.message),
                    body_bytes: waiter.body_bytes,
                }
            })
    }

    /// The place before which those are for which there was no room.
    #[must_use]
    pub fn next(&self) -> Option<Place> {
        let (at, id) = self.left_out?;
        Some(Place::waiting(at, MessageId(id.0.saturating_add(1))))
    }

    pub(super) fn into_waiters(self) -> BTreeMap<Slot, Waiter> {
        self.waiters
    }

    /// Notes a message that waits, if it is looked for.
    fn note(&mut self, slot: Slot, message: &Message, key: Option<&Name>, how: Waits) {
        self.note_paged(slot, message, key, how, None);
    }

    fn note_paged(
        &mut self,
        slot: Slot,
        message: &Message,
        key: Option<&Name>,
        how: Waits,
        key_page: Option<u64>,
    ) {
        let place = (message.produced_at, message.id);
        let is_left_out = self.left_out.is_some_and(|newest| place <= newest);
        if is_left_out || !self.sought.has(message, key) {
            return;
        }
        self.remove(&slot);
        let waiter = Waiter {
            message: self.sought.keep(message),
            body_bytes: message.body.len(),
            how,
            key_page,
        };
        self.bytes += waiter.footprint();
        *self.counts.entry(slot.partition()).or_default() += 1;
        self.order.insert((place.0, place.1, slot.clone()));
        self.waiters.insert(slot, waiter);
        while self.bytes > self.bytes_max && self.order.len() > 1 {
            self.leave_out_oldest();
        }
    }

    fn leave_out_oldest(&mut self) {
        let Some((at, id, _)) = self.order.first().cloned() else {
            return;
        };
        self.left_out = Some((at, id));
        while let Some((_, _, slot)) = self.order.first().filter(|it| (it.0, it.1) == (at, id)) {
            let slot = slot.clone();
            self.remove(&slot);
        }
    }

    fn remove(&mut self, slot: &Slot) {
        let Some(waiter) = self.waiters.remove(slot) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(waiter.footprint());
        let Message {
            produced_at, id, ..
        } = waiter.message;
        self.order.remove(&(produced_at, id, slot.clone()));
        if let Some(count) = self.counts.get_mut(&slot.partition()) {
            *count -= 1;
        }
    }
}
