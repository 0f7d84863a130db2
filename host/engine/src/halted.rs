//! Keys that a subscription halted, for an operator to set going again.

use wasmill_model::{MessageId, Millis, Name, Op, PartitionId};

use crate::engine::Engine;
use crate::lane::{LaneId, Track};
use crate::subscription::SubIndex;

/// A key whose first message failed for good, in a subscription that then lets none pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halted {
    /// The subscription.
    pub subscription: Name,
    /// The key; none if the message has none, and so holds up no other.
    pub key: Option<Name>,
    /// The message that failed.
    pub message: MessageId,
    /// Its topic.
    pub topic: Name,
    /// How many deliveries failed.
    pub attempts: u32,
    /// Why the last one failed.
    pub cause: String,
    /// Messages behind it.
    pub behind: u64,
}

/// Names a key as it was halted: once it went on, nothing has this name any more.
#[derive(Clone, Debug)]
pub struct HaltedKey {
    partition: PartitionId,
    lane: LaneId,
    sub: SubIndex,
    seq: u64,
    attempts: u32,
}

/// How a halted key goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// The message that failed is delivered again; if it fails again, the key is halted again.
    Retry,
    /// The message that failed becomes a dead letter, and the next one is delivered.
    GiveUp,
}

impl Engine {
    /// The keys that are halted, in one subscription or in all.
    pub fn halted(&self, subscription: Option<&Name>) -> impl Iterator<Item = Halted> {
        let places = self.halted_places(subscription.cloned());
        places.filter_map(|(id, lane, sub)| {
            let track = self.halted_track(id, lane, sub)?;
            let (first, parked) = (track.waiting.front()?, track.parked.as_ref()?);
            Some(Halted {
                subscription: self.subs[sub].name.clone(),
                key: first.key.clone(),
                message: first.message.id,
                topic: first.message.topic.clone(),
                attempts: first.attempts,
                cause: parked.cause.clone(),
                behind: track.waiting.len() as u64 - 1 + track.overflow.len(),
            })
        })
    }

    /// Names a subscription's halted keys: one, or all.
    #[must_use]
    pub fn halted_keys(&self, subscription: &Name, key: Option<&Name>) -> Vec<HaltedKey> {
        let places = self.halted_places(Some(subscription.clone()));
        let wanted = places.filter(|(_, lane, _)| match (key, lane) {
            (None, _) => true,
            (Some(key), LaneId::Keyed(scope)) => scope.key == *key,
            (Some(_), LaneId::Loose(..)) => false,
        });
        let named = wanted.filter_map(|(partition, lane, sub)| {
            let first = self.halted_track(partition, lane, sub)?.waiting.front()?;
            Some(HaltedKey {
                partition,
                lane: lane.clone(),
                sub,
                seq: first.seq,
                attempts: first.attempts,
            })
        });
        named.collect()
    }

    /// Sets a halted key going again. Returns how much it committed; none if the key went on
    /// meanwhile.
    pub fn resume(&mut self, halted: &HaltedKey, how: Resume, now: Millis) -> Option<usize> {
        let now = self.advance(now);
        let before = self.unsealed_bytes();
        let ops = self.resume_ops(halted, how, now)?;
        self.commit_with_sends(halted.partition, ops, []);
        self.dispatch();
        Some(self.unsealed_bytes() - before)
    }

    fn resume_ops(&self, halted: &HaltedKey, how: Resume, due: Millis) -> Option<Vec<Op>> {
        let HaltedKey {
            partition,
            lane,
            sub,
            ..
        } = halted;
        let (lane, sub) = (lane, *sub);
        if !self
            .parked
            .contains(&(Millis::MAX, *partition, lane.clone(), sub))
        {
            return None;
        }
        let track = self.halted_track(*partition, lane, sub)?;
        let (first, parked) = (track.waiting.front()?.clone(), track.parked.as_ref()?);
        if (first.seq, first.attempts) != (halted.seq, halted.attempts) {
            return None;
        }
        let cause = parked.cause.clone();
        Some(match how {
            Resume::Retry => vec![Op::Retry {
                subscription: self.subs[sub].name.clone(),
                key: first.key,
                seq: first.seq,
                attempts: first.attempts,
                due,
                cause,
            }],
            Resume::GiveUp => self.burial(lane, sub, first, cause),
        })
    }

    /// Parked until the end of time.
    fn halted_places(
        &self,
        subscription: Option<Name>,
    ) -> impl Iterator<Item = (PartitionId, &LaneId, SubIndex)> {
        let parked = self.parked.iter().rev();
        let halted = parked.take_while(|(due, ..)| *due == Millis::MAX);
        let all = halted.map(|(_, id, lane, sub)| (*id, lane, *sub));
        all.filter(move |(.., sub)| {
            let wanted = subscription.as_ref();
            wanted.is_none_or(|wanted| self.subs[*sub].name == *wanted)
        })
    }

    fn halted_track(&self, id: PartitionId, lane: &LaneId, sub: SubIndex) -> Option<&Track> {
        let tracks = &self.partition(id).lanes.get(lane)?.tracks;
        let found = tracks.iter().find(|(index, _)| *index == sub);
        found.map(|(_, track)| track)
    }
}
