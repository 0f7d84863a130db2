//! A lane: one (plugin, key), in which one handler at a time runs, with the key's messages and
//! the part of its state that is newer than the view.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmill_model::effects::{Scope, TimerRef};
use wasmill_model::{Decision, MessageId, Millis, Name};

use crate::backlog::{Backlog, BacklogMark, Pending};
use crate::subscription::SubIndex;

/// Messages of a track that are held in memory; more lie in its overflow.
pub(crate) const TRACK_COUNT_MAX: usize = 64;

/// Identifies a lane within its partition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LaneId {
    /// All messages of a plugin with this key.
    Keyed(Scope),
    /// A single message without a key.
    Loose(SubIndex, u64),
}

/// Entries of a scope that are newer than the view: none is a deleted name.
pub type Entries = BTreeMap<Name, Option<Bytes>>;

/// A key's messages of one subscription, in their order.
#[derive(Debug, Default)]
pub(crate) struct Track {
    /// The oldest; the first ones may be running.
    pub(crate) waiting: VecDeque<Pending>,
    /// What comes after them.
    pub(crate) overflow: Backlog,
    /// Why the first one may not run now.
    pub(crate) parked: Option<Parked>,
    /// Whether the view has an entry of this track.
    pub(crate) stored: bool,
    /// Whether the checkpoint under way deletes the entry and its pages. Until then the track must
    /// stay, so that its next page does not get the number of one that is about to be deleted.
    pub(crate) leaving: bool,
}

/// A failed message's wait for its next delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parked {
    /// When it may run again; the end of time if an operator must act.
    pub(crate) due: Millis,
    /// Why it failed.
    pub(crate) cause: String,
}

/// A track as a checkpoint keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredTrack {
    pub(crate) subscription: Name,
    pub(crate) key: Option<Name>,
    pub(crate) waiting: Vec<Pending>,
    pub(crate) overflow: BacklogMark,
    pub(crate) parked: Option<Parked>,
}

/// A run under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) subscription: SubIndex,
    pub(crate) count: usize,
    pub(crate) ticket: u64,
}

/// One (plugin, key).
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) tracks: Vec<(SubIndex, Track)>,
    pub(crate) running: Option<Running>,
    /// Whether the lane stands in a list of lanes to run.
    pub(crate) listed: bool,
    /// Whether the lane waits for a subscription to have room.
    pub(crate) starved: bool,
    /// Due timers of this scope that wait for the run to end.
    pub(crate) deferred: Vec<TimerRef>,
    /// Half messages of this scope about which somebody decided during the run.
    pub(crate) decided: Vec<(MessageId, Decision)>,
    /// State newer than the view.
    pub(crate) recent: Arc<Entries>,
    /// Names written since the last checkpoint began.
    pub(crate) dirty: BTreeSet<Name>,
}

impl Track {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.overflow.is_empty()
    }

    /// Whether the next message goes behind others that are out of memory.
    pub(crate) fn is_full(&self) -> bool {
        !self.overflow.is_empty()
            || self.waiting.len() >= TRACK_COUNT_MAX
            || (self.parked.is_some() && !self.waiting.is_empty())
    }

    /// The number of the message that would run next; none if none may.
    fn next(&self) -> Option<u64> {
        match self.parked {
            Some(_) => None,
            None => self.waiting.front().map(|pending| pending.seq),
        }
    }
}

impl Lane {
    /// The track of a subscription.
    pub(crate) fn track(&mut self, subscription: SubIndex) -> &mut Track {
        let found = self
            .tracks
            .iter()
            .position(|(index, _)| *index == subscription);
        let at = found.unwrap_or_else(|| {
            self.tracks.push((subscription, Track::default()));
            self.tracks.len() - 1
        });
        &mut self.tracks[at].1
    }

    /// A track, if the lane has it.
    pub(crate) fn existing_track(&mut self, subscription: SubIndex) -> Option<&mut Track> {
        self.tracks
            .iter_mut()
            .find(|(index, _)| *index == subscription)
            .map(|(_, track)| track)
    }

    /// The subscription whose message is to run next among those that `allowed` lets run: the
    /// one whose first message came first.
    pub(crate) fn next(&self, allowed: impl Fn(SubIndex) -> bool) -> Option<SubIndex> {
        let runnable = self.tracks.iter().filter(|(index, _)| allowed(*index));
        let first = runnable
            .filter_map(|(index, track)| Some((track.next()?, *index)))
            .min();
        first.map(|(_, index)| index)
    }

    /// Writes to the scope's state.
    pub(crate) fn write(&mut self, writes: &[(Name, Option<Bytes>)]) {
        let recent = Arc::make_mut(&mut self.recent);
        for (name, value) in writes {
            recent.insert(name.clone(), value.clone());
            if !self.dirty.contains(name) {
                self.dirty.insert(name.clone());
            }
        }
    }

    /// Forgets entries that the view has now, unless they were written again.
    pub(crate) fn forget(&mut self, names: &BTreeSet<Name>) {
        let recent = Arc::make_mut(&mut self.recent);
        for name in names.iter().filter(|name| !self.dirty.contains(*name)) {
            recent.remove(name);
        }
    }

    /// Drops tracks without messages that the view does not have either.
    pub(crate) fn drop_empty_tracks(&mut self) {
        self.tracks
            .retain(|(_, track)| !track.is_empty() || track.stored || track.leaving);
    }

    /// What a checkpoint deleted of tracks is gone.
    pub(crate) fn end_checkpoint(&mut self) {
        for (_, track) in &mut self.tracks {
            track.leaving = false;
        }
    }

    /// Whether nothing would be lost by forgetting the lane.
    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_none()
            && !self.listed
            && !self.starved
            && self.tracks.is_empty()
            && self.deferred.is_empty()
            && self.recent.is_empty()
            && self.dirty.is_empty()
    }
}
