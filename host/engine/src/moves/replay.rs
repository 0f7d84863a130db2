//! The second part of a move: what the log has is delivered anew.
//!
//! Meanwhile what is sent reaches the subscription only through the log, so that it gets everything
//! once and in order. The end of the log, which cannot be read before it is durable, is kept in
//! memory for the last step: its *tail*.

use std::sync::Arc;

use wasmill_model::effects::Send;
use wasmill_model::routes::Subscription;
use wasmill_model::{Message, Millis, Name, Op, Record, Routes};

use super::Moves;
use crate::codec::{self, DecodeError};
use crate::engine::Engine;

/// Where a replay's tail begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The first block that has nothing before it.
    pub barrier: u64,
    /// The first record of each partition that is in it.
    pub positions: Vec<u64>,
}

/// What of the log a subscription that is moved gets anew.
#[derive(Clone, Copy, Debug)]
pub struct Replayed<'a> {
    /// How long topics keep messages.
    pub routes: &'a Routes,
    /// The subscription.
    pub subscription: &'a Subscription,
    /// What was sent at this time or later.
    pub from: Millis,
    /// When the move began: what its topic kept no longer by then is left out.
    pub begun: Millis,
}

impl Replayed<'_> {
    /// The messages of a block. Of each partition only records before `until`, if given.
    ///
    /// # Errors
    /// [`DecodeError`] if the block does not read back.
    pub fn of_block(
        &self,
        block: &[u8],
        until: Option<&[u64]>,
    ) -> Result<Vec<Arc<Message>>, DecodeError> {
        // What was sent since the move began has not been delivered: no retention drops it.
        let is_old = codec::header(block)?.at < self.begun;
        let records = codec::records(block)?;
        let messages = replayed(&records, self.subscription, self.from, until);
        let kept = messages.filter(|it| !is_old || !self.routes.is_over(it, self.begun));
        Ok(kept.cloned().collect())
    }
}

/// The messages among the records of a block that were sent at `from` or later and were not
/// redriven, on their way between partitions, or themselves delivered anew.
fn replayed<'a>(
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
}
