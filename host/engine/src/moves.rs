//! Subscriptions that are moved: what waits is dropped, and what the log has is delivered anew.
//!
//! While the log is replayed to a subscription, what is sent reaches it only through the log, so
//! that it gets everything once and in order. The end of the log, which cannot be read before it is
//! durable, is kept in memory for the last step: its *tail*.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use wasmill_model::effects::Send;
use wasmill_model::position::Moving;
use wasmill_model::routes::Subscription;
use wasmill_model::{Message, Millis, Name, Op, PartitionId, Position, Record, Start};

use crate::backlog::Pending;
use crate::engine::Engine;
use crate::floors::Floors;
use crate::subscription::SubIndex;

/// Messages that one step drops.
const DROP_COUNT: usize = 1_024;

/// The positions of all subscriptions that the data directory knows.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    positions: BTreeMap<Name, Position>,
    /// Subscriptions that a replay is under way for, and its tail, once it has begun.
    replayed: HashMap<Name, Option<Vec<Arc<Message>>>>,
    floors: Floors,
}

/// Why a subscription was not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The routes do not have it.
    #[error("subscription `{0}` is not in the routes")]
    UnknownSubscription(Name),
    /// It is being moved.
    #[error("subscription `{0}` is being moved: wait until it has arrived, or move it to `last`")]
    UnderWay(Name),
}

/// How a subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When it was first seen, or last moved; when the move under way began, if one is.
    pub since: Millis,
    /// Messages that wait or run.
    pub waiting: u64,
    /// When the oldest of them was sent: what was sent before is done with.
    pub oldest: Option<Millis>,
    /// The move under way.
    pub moving: Option<Moving>,
}

/// Where a replay's tail begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The first block that has nothing before it.
    pub barrier: u64,
    /// The first record of each partition that is in it.
    pub positions: Vec<u64>,
}

impl Moves {
    pub(crate) fn position(&self, subscription: &Name) -> Option<&Position> {
        self.positions.get(subscription)
    }

    /// A step was taken before which the log had to reach back to `floor`.
    pub(crate) fn step(&mut self, barrier: u64, floor: Option<u64>) {
        if let Some(floor) = floor {
            self.floors.step(barrier, floor);
        }
    }

    pub(crate) fn set(&mut self, position: Position) {
        let name = position.subscription.clone();
        let moving = position.moving.as_ref();
        if moving.is_some_and(|moving| moving.replay.is_some()) {
            self.replayed.entry(name.clone()).or_default();
        } else {
            self.replayed.remove(&name);
        }
        self.positions.insert(name, position);
    }

    /// Whether any subscription does not get what is sent.
    pub(crate) fn diverts(&self) -> bool {
        !self.replayed.is_empty()
    }

    fn moving(&self, subscription: &Name) -> Option<&Moving> {
        self.position(subscription)?.moving.as_ref()
    }
}

/// The messages of a block that a subscription gets anew: what was sent at `from` or later and was
/// not redriven, on its way between partitions, or itself delivered anew. Of each partition only
/// records before `until`, if given.
pub fn replayed<'a>(
    records: &'a [Record],
    subscription: &'a Subscription,
    from: Millis,
    until: Option<&'a [u64]>,
) -> impl Iterator<Item = &'a Arc<Message>> {
    let is_first_hand = move |record: &&Record| {
        let is_other =
            |op: &Op| matches!(op, Op::Receive { .. } | Op::Exhume { .. } | Op::Position(_));
        let end = until.map(|until| until[usize::from(record.partition.0)]);
        end.is_none_or(|end| record.position < end) && !record.ops.iter().any(is_other)
    };
    let messages = records.iter().filter(is_first_hand).flat_map(|record| {
        let mut last = None;
        record.ops.iter().filter_map(move |op| match op {
            // One message for several partitions is several operations in a row.
            Op::Deliver { message, .. } | Op::Send { message, .. }
                if last.replace(message.id) != Some(message.id) =>
            {
                Some(message)
            }
            _ => None,
        })
    });
    messages.filter(move |message| {
        let is_plain = message.timer.is_none() && message.produced_at >= from;
        is_plain && subscription.topic.matches(&message.topic) && subscription.accepts(message)
    })
}

impl Engine {
    /// Notes the subscriptions of the routes that the data directory does not know yet: each gets
    /// what is sent from now on, and what of the log its `start` says.
    pub fn meet(&mut self, now: Millis) {
        let since = self.advance(now);
        let routes = self.routes().clone();
        for subscription in routes.subscriptions() {
            if self.moves.position(&subscription.name).is_none() {
                let replay = subscription.start.replay();
                let moving = replay.map(|replay| Moving {
                    dropped_before: Vec::new(),
                    replay: Some(replay),
                });
                self.note(&subscription.name, since, moving);
            }
        }
    }

    /// Begins to move a subscription: [`Engine::drop_waiting`] comes next.
    ///
    /// # Errors
    /// [`MoveError`]; nothing has changed.
    pub fn begin_move(&mut self, name: &Name, to: Start, now: Millis) -> Result<(), MoveError> {
        let since = self.advance(now);
        if self.routes().subscription(name).is_none() {
            return Err(MoveError::UnknownSubscription(name.clone()));
        }
        // A move to the end stands in for another one that is under way, which may be stuck.
        if self.moves.moving(name).is_some() && to != Start::Last {
            return Err(MoveError::UnderWay(name.clone()));
        }
        let partitions = self.partitions.iter();
        let moving = Moving {
            dropped_before: partitions.map(|it| it.counters.seq).collect(),
            replay: to.replay(),
        };
        self.note(name, since, Some(moving));
        Ok(())
    }

    /// Drops some of the messages that waited when the move began, but for timers, which are their
    /// keys' own. Returns how many it dropped, or brought out of queues that do not move by
    /// themselves to be dropped next; none once there are no more. Those that run are waited for.
    pub fn drop_waiting(&mut self, name: &Name, now: Millis) -> Option<usize> {
        let since = self.advance(now);
        let mut moving = self.moves.moving(name)?.clone();
        let sub = self.sub(name);
        let (mut dropped, mut is_left) = (0, false);
        for (index, before) in (0..).zip(moving.dropped_before.iter().copied()) {
            let id = PartitionId(index);
            let waiting = self.waiting_before(id, sub, before);
            is_left |= waiting.is_left;
            let room = DROP_COUNT - dropped;
            is_left |= waiting.found.len() > room;
            let settle = |(key, seq)| Op::Settle {
                subscription: name.clone(),
                key,
                seq,
            };
            let ops: Vec<_> = waiting.found.into_iter().take(room).map(settle).collect();
            if !ops.is_empty() {
                dropped += ops.len();
                self.commit(id, ops);
            }
        }
        if dropped == 0 && is_left {
            dropped = self.bring_out_before(sub, &moving.dropped_before);
        }
        if dropped > 0 || is_left {
            self.dispatch();
            return Some(dropped);
        }
        moving.dropped_before.clear();
        match moving.replay {
            Some(_) => self.note(name, self.begun(name), Some(moving)),
            None => self.note(name, since, None),
        }
        None
    }

    /// Delivers messages of the log anew; blocks before `next_block` are done with then, whatever
    /// happens.
    pub fn replay(
        &mut self,
        name: &Name,
        messages: Vec<Arc<Message>>,
        next_block: u64,
        now: Millis,
    ) {
        self.advance(now);
        let Some(mut moving) = self.moves.moving(name).cloned() else {
            return;
        };
        let Some(replay) = &mut moving.replay else {
            return;
        };
        replay.next_block = next_block;
        self.redeliver(name, self.begun(name), Some(moving), messages);
    }

    /// When the move under way began: from then on what is sent comes through the log.
    fn begun(&self, name: &Name) -> Millis {
        self.moves.position(name).map_or(self.now, |it| it.since)
    }

    /// Keeps what is sent from now on for [`Engine::end_move`].
    pub fn begin_tail(&mut self, name: &Name) -> Option<Tail> {
        let tail = self.moves.replayed.get_mut(name)?;
        *tail = Some(Vec::new());
        Some(Tail {
            barrier: self.barrier(),
            positions: self
                .partitions
                .iter()
                .map(|it| it.counters.position)
                .collect(),
        })
    }

    /// Delivers the last messages before the tail, and the tail: the subscription has arrived.
    pub fn end_move(&mut self, name: &Name, mut messages: Vec<Arc<Message>>, now: Millis) {
        let since = self.advance(now);
        if let Some(Some(tail)) = self.moves.replayed.get_mut(name) {
            messages.append(tail);
            self.redeliver(name, since, None, messages);
        }
    }

    /// Subscriptions that are being moved.
    pub fn moves(&self) -> impl Iterator<Item = &Position> {
        let moving = |it: &&Position| it.moving.is_some();
        let positions = self.moves.positions.values().filter(moving);
        positions.filter(|it| self.routes().subscription(&it.subscription).is_some())
    }

    /// The first block of the log that a replay is yet to read, also if a crash leaves no more than
    /// `durable` blocks: a step that is not durable may have to be taken again.
    pub fn replay_floor(&mut self, durable: u64) -> Option<u64> {
        let earlier = self.moves.floors.lowest(durable);
        self.replay_floor_now().into_iter().chain(earlier).min()
    }

    pub(crate) fn replay_floor_now(&self) -> Option<u64> {
        let replays = self.moves().filter_map(|it| it.moving.as_ref()?.replay);
        replays.map(|replay| replay.next_block).min()
    }

    /// How a subscription stands; none if it is not known.
    pub fn standing(&mut self, name: &Name) -> Option<Standing> {
        let Position { since, moving, .. } = self.moves.position(name)?.clone();
        let sub = self.sub(name);
        let lanes = self.partitions.iter().flat_map(|it| it.lanes.values());
        let all = lanes.flat_map(|lane| lane.tracks.iter());
        let tracks = all.filter(|(index, _)| *index == sub);
        let waiting = tracks.filter_map(|(_, track)| track.waiting.front());
        let oldest = waiting.map(|pending| pending.message.produced_at).min();
        Some(Standing {
            since,
            waiting: self.subs[sub].pending,
            oldest,
            moving,
        })
    }

    /// Takes those subscriptions out that get the message through the log.
    pub(crate) fn divert(&mut self, mut send: Send) -> Send {
        if send.message.timer.is_some() {
            return send;
        }
        let Moves {
            positions,
            replayed,
            ..
        } = &mut self.moves;
        for (name, tail) in replayed {
            let moving = positions.get(name).and_then(|it| it.moving.as_ref());
            let from = moving.and_then(|it| it.replay).map(|replay| replay.from);
            // The replay passes over what is older: it is delivered as usual.
            if from.is_some_and(|from| send.message.produced_at < from) {
                continue;
            }
            let before = send.targets.len() + send.unroutable.len();
            send.targets.retain(|target| target.subscription != *name);
            send.unroutable
                .retain(|(subscription, _)| subscription != name);
            if let Some(tail) = tail
                && send.targets.len() + send.unroutable.len() < before
            {
                tail.push(send.message.clone());
            }
        }
        send
    }

    /// Commits a subscription's position.
    fn note(&mut self, name: &Name, since: Millis, moving: Option<Moving>) {
        self.redeliver(name, since, moving, Vec::new());
    }

    /// Commits a subscription's position, and with it messages that it gets anew.
    fn redeliver(
        &mut self,
        name: &Name,
        since: Millis,
        moving: Option<Moving>,
        messages: Vec<Arc<Message>>,
    ) {
        let home = self.partitioner().of(name);
        let definition = self.routes().subscription(name).cloned();
        let sends = messages.into_iter().map(|message| {
            let target = definition.as_ref().map(|it| it.target(&message));
            let (targets, unroutable) = match target {
                Some(Ok(target)) => (vec![target], Vec::new()),
                Some(Err(cause)) => (Vec::new(), vec![(name.clone(), cause)]),
                None => Default::default(),
            };
            Send {
                topic: None,
                message,
                targets,
                unroutable,
            }
        });
        let sends: Vec<_> = sends.collect();
        let position = Position {
            subscription: name.clone(),
            since,
            moving,
        };
        self.commit_as_routed(home, vec![Op::Position(position)], sends);
        self.dispatch();
    }

    /// The messages of a subscription in a partition that are to be dropped.
    fn waiting_before(&self, id: PartitionId, sub: SubIndex, before: u64) -> Waiting {
        let partition = self.partition(id);
        let (mut waiting, mut is_passed) = (Waiting::default(), false);
        for lane in partition.lanes.values() {
            let Some((_, track)) = lane.tracks.iter().find(|(index, _)| *index == sub) else {
                continue;
            };
            let running = lane.running.filter(|it| it.subscription == sub);
            let running = running.map_or(0, |it| it.count);
            let old = |pending: &&Pending| pending.seq < before;
            for (index, pending) in track.waiting.iter().take_while(old).enumerate() {
                if pending.message.timer.is_some() {
                    continue;
                }
                match index < running {
                    true => waiting.is_left = true,
                    false => waiting.found.push((pending.key.clone(), pending.seq)),
                }
            }
            // They come in their order: behind a later one there is no earlier one.
            let is_beyond = track.waiting.back().is_some_and(|it| it.seq >= before);
            waiting.is_left |= !track.overflow.is_empty() && !is_beyond;
            is_passed |= is_beyond;
        }
        let queue = partition.queues.get(sub);
        let has_more = queue.is_some_and(|queue| !queue.backlog.is_empty());
        waiting.is_left |= has_more && !is_passed;
        waiting
    }
}

/// Messages to be dropped: those in lanes, and whether there are more to come.
#[derive(Default)]
struct Waiting {
    found: Vec<(Option<Name>, u64)>,
    is_left: bool,
}
