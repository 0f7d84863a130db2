//! Queues: from a subscription's backlog into the lanes, and from a key's overflow into its track.

use wasmill_model::{Name, PartitionId};

use super::{Action, Engine, PageRef};
use crate::backlog::{Pending, Pop, QueueId, SealedPage};
use crate::codec::{self, DecodeError};
use crate::lane::{LaneId, Parked, TRACK_COUNT_MAX, Track};
use crate::partition::Amendment;
use crate::subscription::SubIndex;

impl Engine {
    /// Puts a message into its subscription's queue.
    pub(super) fn enqueue(&mut self, id: PartitionId, sub: SubIndex, pending: Pending) {
        let queue = self.partition_mut(id).queue(sub);
        if queue.backlog.is_empty() && queue.has_room() {
            return self.place(id, sub, pending);
        }
        let page = queue.backlog.push(pending);
        self.partition_mut(id).dirty.queues.insert(sub);
        self.write_pages(id, sub, &QueueId::Backlog, page);
        // A full queue may still have room for other keys: its lanes may all be parked.
        self.pump(id, sub);
    }

    /// Moves messages from the backlog into lanes, as far as there is room.
    pub(super) fn pump(&mut self, id: PartitionId, sub: SubIndex) {
        loop {
            let queue = self.partition_mut(id).queue(sub);
            if queue.backlog.is_empty() || !queue.has_room() {
                return;
            }
            match queue.backlog.pop() {
                Pop::Message(pending) => {
                    self.partition_mut(id).dirty.queues.insert(sub);
                    self.place_amended(id, sub, pending);
                }
                Pop::Load(number) => return self.load(id, sub, QueueId::Backlog, number),
                Pop::Loading | Pop::Empty => return,
            }
        }
    }

    /// Gives a message to its lane.
    fn place(&mut self, id: PartitionId, sub: SubIndex, pending: Pending) {
        let lane_id = self.lane_of(sub, pending.key.as_ref(), pending.seq);
        let key = pending.key.clone();
        let page = self.with_track(id, &lane_id, sub, |track| {
            if !track.is_full() {
                track.waiting.push_back(pending);
                return None;
            }
            let page = track.overflow.push(pending);
            // Pages of the overflow must be deleted by a checkpoint, even if it empties before.
            track.stored |= page.is_some();
            page
        });
        if let (Some(page), Some(key)) = (page, key) {
            self.write_pages(id, sub, &QueueId::Key(key), Some(page));
        }
        self.list(id, lane_id);
    }

    /// Gives a message from a page to its lane, with what recovery learnt of it.
    pub(super) fn place_amended(&mut self, id: PartitionId, sub: SubIndex, mut pending: Pending) {
        match self.amendment(id, sub, pending.seq) {
            None => self.place(id, sub, pending),
            Some(Amendment::Settled) => {}
            Some(Amendment::Failed {
                attempts,
                due,
                cause,
            }) => {
                let (key, seq) = (pending.key.clone(), pending.seq);
                pending.attempts = attempts;
                self.place(id, sub, pending);
                self.park(id, sub, key.as_ref(), seq, (attempts, due, cause));
            }
        }
    }

    /// Takes what recovery learnt of a message.
    fn amendment(&mut self, id: PartitionId, sub: SubIndex, seq: u64) -> Option<Amendment> {
        let partition = self.partition_mut(id);
        let amendment = partition.queue(sub).amendments.remove(&seq)?;
        partition.dirty.queues.insert(sub);
        Some(amendment)
    }

    /// Moves messages from a key's overflow into its track, as far as there is room.
    pub(super) fn refill(&mut self, id: PartitionId, lane_id: &LaneId, sub: SubIndex) {
        let LaneId::Keyed(scope) = lane_id else {
            return;
        };
        let key = scope.key.clone();
        loop {
            let pop = self.with_track(id, lane_id, sub, |track| match is_blocked(track) {
                true => Pop::Empty,
                false => track.overflow.pop(),
            });
            match pop {
                Pop::Message(pending) => self.refill_one(id, lane_id, sub, pending),
                Pop::Load(number) => return self.load(id, sub, QueueId::Key(key), number),
                Pop::Loading | Pop::Empty => return,
            }
        }
    }

    pub(super) fn refill_one(
        &mut self,
        id: PartitionId,
        lane: &LaneId,
        sub: SubIndex,
        mut pending: Pending,
    ) {
        let amendment = self.amendment(id, sub, pending.seq);
        let parked = match amendment {
            Some(Amendment::Settled) => return,
            Some(Amendment::Failed {
                attempts,
                due,
                cause,
            }) => {
                pending.attempts = attempts;
                Some((attempts, due, cause))
            }
            None => None,
        };
        let (key, seq) = (pending.key.clone(), pending.seq);
        self.with_track(id, lane, sub, |track| track.waiting.push_back(pending));
        if let Some(parked) = parked {
            self.park(id, sub, key.as_ref(), seq, parked);
        }
    }

    /// Takes a page that was asked for.
    ///
    /// # Errors
    /// [`DecodeError`] if it does not read back.
    pub fn page_loaded(&mut self, page: &PageRef, bytes: &[u8]) -> Result<(), DecodeError> {
        let messages: Vec<Pending> = codec::decode(bytes)?;
        let (id, sub) = (page.partition, self.sub(&page.subscription));
        match &page.queue {
            QueueId::Backlog => {
                self.partition_mut(id)
                    .queue(sub)
                    .backlog
                    .loaded(page.number, messages);
                self.pump(id, sub);
            }
            QueueId::Key(key) => {
                let lane_id = self.lane_of(sub, Some(key), 0);
                self.with_track(id, &lane_id, sub, |track| {
                    track.overflow.loaded(page.number, messages);
                });
                self.refill(id, &lane_id, sub);
                self.list(id, lane_id);
            }
        }
        self.dispatch();
        Ok(())
    }

    /// Changes a track and keeps count of the messages that its queue has in lanes.
    pub(super) fn with_track<T>(
        &mut self,
        id: PartitionId,
        lane: &LaneId,
        sub: SubIndex,
        change: impl FnOnce(&mut Track) -> T,
    ) -> T {
        let partition = self.partition_mut(id);
        let track = partition.lane_mut(lane).track(sub);
        let before = (assigned(track), usize::from(track.parked.is_some()));
        let result = change(track);
        let after = (assigned(track), usize::from(track.parked.is_some()));
        let queue = partition.queue(sub);
        queue.assigned = queue.assigned + after.0 - before.0;
        queue.parked = queue.parked + after.1 - before.1;
        result
    }

    /// Parks a track: its first message waits for its next delivery. One that recovery finds in
    /// no lane lies in a page, and is parked when it comes out.
    pub(crate) fn park(
        &mut self,
        id: PartitionId,
        sub: SubIndex,
        key: Option<&Name>,
        seq: u64,
        (attempts, due, cause): (u32, wasmill_model::Millis, String),
    ) {
        let lane_id = self.lane_of(sub, key, seq);
        if !self.holds(id, &lane_id, sub, seq) {
            let amendment = Amendment::Failed {
                attempts,
                due,
                cause,
            };
            let queue = self.partition_mut(id).queue(sub);
            queue.amendments.insert(seq, amendment);
            self.partition_mut(id).dirty.queues.insert(sub);
            return;
        }
        let earlier = self.with_track(id, &lane_id, sub, |track| {
            if let Some(front) = track.waiting.iter_mut().find(|pending| pending.seq == seq) {
                front.attempts = attempts;
            }
            track.parked.replace(Parked { due, cause })
        });
        if let Some(Parked { due, .. }) = earlier {
            self.parked.remove(&(due, id, lane_id.clone(), sub));
        }
        self.parked.insert((due, id, lane_id, sub));
        // Its messages count as parked now, which may make room for others.
        self.pump(id, sub);
    }

    /// Takes a message out of its queue.
    pub(super) fn settle(&mut self, id: PartitionId, sub: SubIndex, key: Option<&Name>, seq: u64) {
        self.subs[sub].pending = self.subs[sub].pending.saturating_sub(1);
        let lane_id = self.lane_of(sub, key, seq);
        if !self.holds(id, &lane_id, sub, seq) {
            self.partition_mut(id)
                .queue(sub)
                .amendments
                .insert(seq, Amendment::Settled);
            self.partition_mut(id).dirty.queues.insert(sub);
            return;
        }
        let parked = self.with_track(id, &lane_id, sub, |track| {
            // What is parked is the first one, which those behind it leave where it is.
            let is_first = track.waiting.front().is_some_and(|it| it.seq == seq);
            track.waiting.retain(|pending| pending.seq != seq);
            if is_first { track.parked.take() } else { None }
        });
        if let Some(Parked { due, .. }) = parked {
            self.parked.remove(&(due, id, lane_id.clone(), sub));
        }
        self.refill(id, &lane_id, sub);
        self.list(id, lane_id);
        self.pump(id, sub);
    }

    /// Puts a track back as a checkpoint kept it.
    pub(crate) fn restore_track(
        &mut self,
        id: PartitionId,
        lane_id: LaneId,
        sub: SubIndex,
        fill: impl FnOnce(&mut Track),
    ) {
        let due = self.with_track(id, &lane_id, sub, |track| {
            fill(track);
            track.parked.as_ref().map(|parked| parked.due)
        });
        if let Some(due) = due {
            self.parked.insert((due, id, lane_id.clone(), sub));
        }
        self.list(id, lane_id);
    }

    /// After recovery: messages that were between partitions arrive, queues fill the lanes.
    pub(crate) fn deliver_in_transit(&mut self) {
        for index in 0..self.config.partitions {
            let id = PartitionId(index);
            for (to, number) in self.partition(id).counters.channels.in_transit() {
                self.arrive(id, to, number);
            }
            for sub in 0..self.subs.len() {
                self.pump(id, sub);
            }
        }
        self.refill_all();
        self.dispatch();
    }

    fn refill_all(&mut self) {
        let mut tracks = Vec::new();
        for partition in &self.partitions {
            for (lane_id, lane) in &partition.lanes {
                let with_overflow = lane.tracks.iter().filter(|(_, it)| !it.overflow.is_empty());
                tracks.extend(with_overflow.map(|(sub, _)| (partition.id, lane_id.clone(), *sub)));
            }
        }
        for (id, lane_id, sub) in tracks {
            self.refill(id, &lane_id, sub);
            self.list(id, lane_id);
        }
    }

    /// Whether a lane has the message in memory.
    fn holds(&mut self, id: PartitionId, lane: &LaneId, sub: SubIndex, seq: u64) -> bool {
        let lanes = &mut self.partition_mut(id).lanes;
        let track = lanes
            .get_mut(lane)
            .and_then(|lane| lane.existing_track(sub));
        track.is_some_and(|track| track.waiting.iter().any(|pending| pending.seq == seq))
    }

    pub(crate) fn write_pages(
        &mut self,
        partition: PartitionId,
        sub: SubIndex,
        queue: &QueueId,
        pages: impl IntoIterator<Item = SealedPage>,
    ) {
        for SealedPage { number, messages } in pages {
            let page = self.page_ref(partition, sub, queue.clone(), number);
            self.actions
                .push(Action::WritePage(page, codec::encode(&messages)));
        }
    }

    pub(super) fn load(&mut self, id: PartitionId, sub: SubIndex, queue: QueueId, number: u64) {
        let page = self.page_ref(id, sub, queue, number);
        self.actions.push(Action::LoadPage(page));
    }

    fn page_ref(
        &self,
        partition: PartitionId,
        sub: SubIndex,
        queue: QueueId,
        number: u64,
    ) -> PageRef {
        PageRef {
            partition,
            subscription: self.subs[sub].name.clone(),
            queue,
            number,
        }
    }
}

/// Whether what a track has out of memory stays there until some of its messages are done with.
pub(super) fn is_blocked(track: &Track) -> bool {
    let is_parked = track.parked.is_some() && !track.waiting.is_empty();
    is_parked || track.waiting.len() >= TRACK_COUNT_MAX
}

/// How many messages of a track count against the bound on messages in lanes.
fn assigned(track: &Track) -> usize {
    if track.parked.is_some() {
        0
    } else {
        track.waiting.len()
    }
}
