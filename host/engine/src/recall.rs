//! Delayed messages and timers that somebody outside takes back before they are delivered.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use wasmill_model::effects::{Delayed, Scope, TimerRef};
use wasmill_model::{MessageId, Millis, Name, Op, PartitionId, reserved};

use crate::engine::Engine;
use crate::lane::{Lane, LaneId};

/// Names a delayed message from outside: where it waits, until when, and which it is. With it no
/// index over all messages is needed. Written as `PARTITION.DUE.MESSAGE`, due in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelayedId {
    /// The partition.
    pub partition: PartitionId,
    /// The message's place among those that wait there.
    pub timer: TimerRef,
}

/// A text that names no delayed message.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no delayed message: expected `PARTITION.DUE.MESSAGE`, as sending it answered")]
pub struct ParseDelayedIdError(String);

/// What came of taking a delayed message back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// No handler had it, and none will.
    Done,
    /// It was delivered or taken back before, or never was.
    Gone,
    /// A handler had it and failed: it will be tried again.
    Handed,
    /// A handler of its scope runs, and may have taken it back already: ask again.
    Running,
    /// What was read is no longer so: read again.
    Changed,
}

impl Engine {
    /// Takes a delayed message back. `stored` is what the view has under its name, read since the
    /// partition's last checkpoint ended.
    pub fn recall(&mut self, id: DelayedId, stored: Option<Delayed>, now: Millis) -> Recalled {
        let newer = self.partition(id.partition).timers.newer(id.timer);
        match newer.map(Option::<&Delayed>::cloned).unwrap_or(stored) {
            Some(delayed) => self.take_back(id.partition, delayed, now),
            None => Recalled::Gone,
        }
    }

    /// Takes back what is pending under an entry of a scope: a timer, or a message that a handler
    /// sent with a delay. `value` is the entry's value as it was read, which is `delayed`.
    pub fn recall_entry(
        &mut self,
        entry: &Name,
        value: &Bytes,
        delayed: Delayed,
        now: Millis,
    ) -> Recalled {
        let Some(scope) = &delayed.scope else {
            return Recalled::Gone;
        };
        let partition = self.partitioner().of(&scope.key);
        match self.recent(scope).get(entry) {
            Some(Some(newer)) if newer != value => Recalled::Changed,
            Some(None) => Recalled::Gone,
            _ => self.take_back(partition, delayed, now),
        }
    }

    fn take_back(&mut self, id: PartitionId, delayed: Delayed, now: Millis) -> Recalled {
        self.advance(now);
        let mut ops = vec![Op::Undelay(delayed.reference())];
        let entry = reserved::delayed(&delayed);
        if let Some(scope) = delayed.scope {
            if let Some(lane) = self.lane(id, &scope) {
                if lane.running.is_some() {
                    return Recalled::Running;
                }
                if had(lane, delayed.message.id) {
                    return Recalled::Handed;
                }
            }
            // A timer that fell due and waits for its handler is dropped for want of this entry.
            let writes = vec![(entry, None)];
            ops.push(Op::State { scope, writes });
        }
        self.commit(id, ops);
        Recalled::Done
    }

    fn lane(&self, id: PartitionId, scope: &Scope) -> Option<&Lane> {
        let lanes = &self.partition(id).lanes;
        lanes.get(&LaneId::Keyed(scope.clone()))
    }
}

/// Whether a handler of the lane had this message and failed. Only a track's first one may have.
fn had(lane: &Lane, message: MessageId) -> bool {
    let mut first = lane.tracks.iter().filter_map(|(_, it)| it.waiting.front());
    first.any(|pending| pending.message.id == message && pending.attempts > 0)
}

impl fmt::Display for DelayedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TimerRef { due, id } = self.timer;
        write!(f, "{}.{}.{id}", self.partition, due.0)
    }
}

impl FromStr for DelayedId {
    type Err = ParseDelayedIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (partition, rest) = text.split_once('.')?;
            let (due, id) = rest.split_once('.')?;
            Some(Self {
                partition: PartitionId(partition.parse().ok()?),
                timer: TimerRef {
                    due: Millis(due.parse().ok()?),
                    id: id.parse().ok()?,
                },
            })
        };
        read().ok_or_else(|| ParseDelayedIdError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_from_its_text() {
        let id = DelayedId {
            partition: PartitionId(3),
            timer: TimerRef {
                due: Millis(5),
                id: MessageId(7),
            },
        };
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in [
            "",
            "1",
            "1.2",
            "1.2.3",
            "x.2.00000000000000000000000000000007",
        ] {
            assert!(wrong.parse::<DelayedId>().is_err(), "{wrong}");
        }
    }
}
