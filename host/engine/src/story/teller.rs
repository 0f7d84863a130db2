//! Tells stories: reads records, oldest first, and keeps what they say of some messages.

mod untold;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use wasmill_model::record::DeadLetter;
use wasmill_model::{Decision, Message, MessageId, Millis, Name, Op, PartitionId, Record, Target};

use super::event::{Did, Ending, Event, Handling, Story, What};
use super::parse::{self, Ended, Origin};
use super::pending::Copies;
use super::sieve::{Sieve, partition_of};
use super::tree;
use super::waiting::{Slot, Waiter};
use super::wanted::Wanted;

/// What is told so far, of messages that are `K`ept.
#[derive(Debug)]
pub struct Teller<K> {
    wanted: Wanted,
    is_kept: K,
    sieve: Sieve,
    stories: Vec<Story>,
    by_id: HashMap<MessageId, usize>,
    /// Deliveries that did not end, and dead letters: how many of a message's number.
    places: HashMap<(PartitionId, u64), Place>,
    /// What subscriptions have and are not done with.
    copies: Copies,
    /// Messages that wait, for their time or for a decision.
    waiting: BTreeSet<MessageId>,
    /// How many of these each partition has: its records may tell of a message without naming it.
    open: BTreeMap<PartitionId, usize>,
    /// What waits at the end, as far as the log did not tell how it was stored.
    untold: BTreeMap<Slot, Waiter>,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Place {
    story: usize,
    open: usize,
}

impl<K: Fn(&Message) -> bool> Teller<K> {
    /// Nothing yet, and at most about so many bytes. A message that is not kept, as its topic keeps
    /// none for so long, has no story.
    #[must_use]
    pub fn new(wanted: Wanted, is_kept: K, bytes_max: usize) -> Self {
        Self {
            sieve: wanted.sieve(),
            wanted,
            is_kept,
            stories: Vec::new(),
            by_id: HashMap::new(),
            places: HashMap::new(),
            copies: Copies::default(),
            waiting: BTreeSet::new(),
            open: BTreeMap::new(),
            untold: BTreeMap::new(),
            bytes: 0,
            bytes_max,
        }
    }

    /// Whether a block, as it is encoded, may have something to tell.
    #[must_use]
    pub fn wants_block(&self, block: &[u8]) -> bool {
        !self.open.is_empty() || self.sieve.passes(block)
    }

    /// Whether a record, as it is encoded, may have something to tell.
    #[must_use]
    pub fn wants(&self, record: &[u8]) -> bool {
        let is_open = |partition| self.open.contains_key(&partition);
        partition_of(record).is_none_or(is_open) || self.sieve.passes(record)
    }

    /// Whether there is no room for more: what comes is not told.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes >= self.bytes_max
    }

    /// Reads a record that was committed at `at`.
    pub fn read(&mut self, at: Millis, record: &Record) {
        let told = (at, record.partition);
        let by = self.end(told, record);
        for op in &record.ops {
            self.tells_of(record.partition, op);
            match op {
                Op::Deliver {
                    seq,
                    message,
                    targets,
                } => {
                    self.goes_to(told, record, message, targets);
                    self.open_place(record.partition, *seq, message.id, targets.len());
                }
                Op::Send {
                    message, targets, ..
                } => self.goes_to(told, record, message, targets),
                Op::Bury(letter) if letter.attempts == 0 => self.unroutable(told, letter),
                Op::Delay(delayed) => {
                    let due = delayed.due;
                    self.waits(told, &delayed.message, What::Delayed { due });
                }
                Op::Prepare(half) => {
                    let what = What::Prepared {
                        checks: half.checks,
                        cause: half.cause.clone(),
                        abandoned: half.next_check.is_none(),
                    };
                    self.waits(told, &half.message, what);
                }
                Op::Decide { half, decision } => self.decide(told, *half, *decision),
                Op::Undelay(timer) => self.undelay(told, record, timer.id, by),
                Op::Exhume { subscription, seq } => {
                    self.exhume(told, record, subscription, *seq);
                }
                _ => {}
            }
            self.hand_out(record, op);
        }
    }

    /// The stories as a tree: each after the one of the message that caused it, with its depth.
    #[must_use]
    pub fn finish(mut self) -> Vec<(usize, Story)> {
        self.tell_untold();
        for (story, pending) in self.copies.pending() {
            self.stories[story].pending.push(pending);
        }
        let began = |story: &Story| story.events.first().map(|event| event.at);
        self.stories.sort_by_key(began);
        tree::in_order(self.stories)
    }

    /// Notes who has a message that is told of, from this record on.
    fn hand_out(&mut self, record: &Record, op: &Op) {
        let (Op::Deliver { message, .. } | Op::Send { message, .. }) = op else {
            return;
        };
        if let Some(&story) = self.by_id.get(&message.id) {
            self.copies.hand_out(story, record, op);
        }
    }

    /// Tells of the deliveries that ended. Returns whose the first was.
    fn end(&mut self, told: (Millis, PartitionId), record: &Record) -> Option<MessageId> {
        let mut first = None;
        for ended in parse::ended(record) {
            let id = self.end_one(told, record, &ended);
            first = first.or(id);
        }
        first
    }

    fn end_one(
        &mut self,
        told: (Millis, PartitionId),
        record: &Record,
        ended: &Ended<'_>,
    ) -> Option<MessageId> {
        let place = (record.partition, ended.seq);
        let story = match self.places.get(&place) {
            Some(place) => place.story,
            // It came before the log's beginning, and is named only if it is given up.
            None => self.buried(record)?,
        };
        let id = self.stories[story].message.id;
        let what = self.ending(story, record, ended);
        if let What::Handled(it) = &what {
            self.copies.end(story, place, &it.subscription, &it.outcome);
            if !goes_on(&it.outcome) {
                self.close_place(place);
            }
        }
        self.add(story, told, what);
        Some(id)
    }

    fn ending(&self, story: usize, record: &Record, ended: &Ended<'_>) -> What {
        let message = &self.stories[story].message;
        let subscription = ended.subscription.clone();
        let Some(ending) = ended.ending.clone() else {
            return What::Resumed { subscription };
        };
        let did = match ending {
            Ending::Done => parse::did(record, message.id, message.timer.as_ref()),
            _ => Did::default(),
        };
        What::Handled(Box::new(Handling {
            subscription,
            key: ended.key.cloned(),
            handled: ended.handled.cloned(),
            used: ended.used.copied(),
            outcome: match ending {
                // Nobody is called for two reasons, one of timers and one of all others.
                Ending::Done if !was_called(ended) => match message.timer {
                    Some(_) => Ending::Skipped,
                    None => Ending::Duplicate,
                },
                ending => ending,
            },
            did,
        }))
    }

    /// The story of a message that this record gives up.
    fn buried(&mut self, record: &Record) -> Option<usize> {
        let letter = record.ops.iter().find_map(|op| match op {
            Op::Bury(letter) if letter.attempts > 0 => Some(letter),
            _ => None,
        })?;
        let story = self.story(&letter.message)?;
        self.open_place(record.partition, letter.seq, letter.message.id, 1);
        Some(story)
    }

    /// A message waits, for its time or for a decision: what ends that names it by its id only.
    fn waits(&mut self, told: (Millis, PartitionId), message: &Message, what: What) {
        if self.tell(told, message, what) && self.waiting.insert(message.id) {
            *self.open.entry(told.1).or_default() += 1;
        }
    }

    fn decide(&mut self, told: (Millis, PartitionId), half: MessageId, decision: Decision) {
        if self.waiting.remove(&half) {
            self.close(told.1);
        }
        if let Some(&story) = self.by_id.get(&half) {
            self.add(story, told, What::Decided(decision));
        }
    }

    /// A message goes to subscriptions: here, or by way of another partition.
    fn goes_to(
        &mut self,
        told: (Millis, PartitionId),
        record: &Record,
        message: &Message,
        targets: &[Target],
    ) {
        let origin = parse::origin(record, message.id);
        // A message for several partitions leaves in one record.
        if let Some(&story) = self.by_id.get(&message.id)
            && let Some(last) = self.stories[story].events.last_mut()
            && (last.at, last.partition) == told
            && let (What::Sent(to), Origin::Sent)
            | (What::Due(to), Origin::Due)
            | (What::Redriven(to), Origin::Redriven)
            | (What::Replayed(to), Origin::Replayed) = (&mut last.what, origin)
        {
            return to.extend_from_slice(targets);
        }
        let targets = targets.to_vec();
        let what = match origin {
            Origin::Sent => What::Sent(targets),
            Origin::Arrived => What::Arrived(targets),
            Origin::Due => What::Due(targets),
            Origin::Redriven => What::Redriven(targets),
            Origin::Replayed => What::Replayed(targets),
        };
        self.tell(told, message, what);
    }

    fn unroutable(&mut self, told: (Millis, PartitionId), letter: &DeadLetter) {
        let what = What::Unroutable {
            subscription: letter.subscription.clone(),
            cause: letter.cause.clone(),
        };
        self.tell(told, &letter.message, what);
        self.open_place(told.1, letter.seq, letter.message.id, 1);
    }

    fn undelay(
        &mut self,
        told: (Millis, PartitionId),
        record: &Record,
        id: MessageId,
        by: Option<MessageId>,
    ) {
        if self.waiting.remove(&id) {
            self.close(record.partition);
        }
        let is_due = record.ops.iter().any(|op| match op {
            Op::Deliver { message, .. } | Op::Send { message, .. } => message.id == id,
            Op::Bury(letter) => letter.message.id == id,
            _ => false,
        });
        if let Some(&story) = self.by_id.get(&id)
            && !is_due
        {
            self.add(story, told, What::Cancelled { by });
        }
    }

    fn exhume(
        &mut self,
        told: (Millis, PartitionId),
        record: &Record,
        subscription: &Name,
        seq: u64,
    ) {
        let place = (record.partition, seq);
        let Some(story) = self.places.get(&place).map(|place| place.story) else {
            return;
        };
        self.close_place(place);
        let goes_on = |op: &Op| matches!(op, Op::Deliver { .. } | Op::Send { .. });
        if !record.ops.iter().any(goes_on) {
            let subscription = subscription.clone();
            self.add(story, told, What::Purged { subscription });
        }
    }

    /// Adds to a message's story, if it is wanted.
    fn tell(&mut self, told: (Millis, PartitionId), message: &Message, what: What) -> bool {
        let story = self.story(message);
        if let Some(story) = story {
            self.add(story, told, what);
        }
        story.is_some()
    }

    fn add(&mut self, story: usize, (at, partition): (Millis, PartitionId), what: What) {
        let event = Event {
            at,
            partition,
            what,
        };
        self.bytes += event.footprint();
        self.stories[story].events.push(event);
    }

    /// A message's story, if it is wanted and there is room.
    fn story(&mut self, message: &Message) -> Option<usize> {
        if let Some(&story) = self.by_id.get(&message.id) {
            return Some(story);
        }
        if !self.wanted.has(message) || !(self.is_kept)(message) || self.is_full() {
            return None;
        }
        let kept = self.wanted.keep(message);
        self.bytes += Story::footprint(&kept);
        self.stories.push(Story {
            message: kept,
            body_bytes: message.body.len(),
            events: Vec::new(),
            pending: Vec::new(),
        });
        self.by_id.insert(message.id, self.stories.len() - 1);
        Some(self.stories.len() - 1)
    }

    fn open_place(&mut self, partition: PartitionId, seq: u64, id: MessageId, count: usize) {
        let Some(&story) = self.by_id.get(&id).filter(|_| count > 0) else {
            return;
        };
        let place = (partition, seq);
        let open = self.places.entry(place).or_insert(Place { story, open: 0 });
        open.open += count;
        *self.open.entry(partition).or_default() += count;
    }

    fn close_place(&mut self, at: (PartitionId, u64)) {
        let Some(place) = self.places.get_mut(&at) else {
            return;
        };
        place.open -= 1;
        if place.open == 0 {
            self.places.remove(&at);
        }
        self.close(at.0);
    }

    fn close(&mut self, partition: PartitionId) {
        if let Some(open) = self.open.get_mut(&partition) {
            *open -= 1;
            if *open == 0 {
                self.open.remove(&partition);
            }
        }
    }
}

fn was_called(ended: &Ended<'_>) -> bool {
    ended.handled.is_some_and(|handled| handled.call.is_some())
}

/// Whether more may be told of a delivery: it comes again, or is a letter to be redriven.
fn goes_on(ending: &Ending) -> bool {
    !matches!(
        ending,
        Ending::Done | Ending::Skipped | Ending::Duplicate | Ending::Dropped
    )
}
