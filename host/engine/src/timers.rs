//! Delayed messages: the near ones in memory by their time, the far ones in the view.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wasmill_model::effects::{Delayed, TimerRef};
use wasmill_model::{Millis, PartitionId};

/// How far ahead delayed messages are held in memory.
const HORIZON: Duration = Duration::from_secs(120);
/// Over how many moments the partitions' loads are spread.
const LOADS_SPREAD: u16 = 64;
/// How many are read from the view at once.
pub(crate) const LOAD_COUNT_MAX: usize = 2_000;

/// A wish to read delayed messages from the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// From this key's time and id on.
    pub(crate) after: TimerRef,
}

/// One partition's delayed messages.
#[derive(Debug)]
pub(crate) struct Timers {
    near: BTreeMap<TimerRef, Delayed>,
    /// Due, but their scope has a handler running that may yet cancel them, or nobody gets them.
    deferred: BTreeMap<TimerRef, Delayed>,
    /// Everything due up to here is in `near`.
    horizon: Millis,
    /// The horizon that a load under way will reach.
    target: Option<Millis>,
    /// When in a cycle of loads this partition's comes: each has its own, so that not all come at
    /// once and hold up what falls due meanwhile.
    turn: Duration,
    /// Set since the last checkpoint began.
    fresh: BTreeMap<TimerRef, Delayed>,
    /// Set again by a recovery: a checkpoint that a crash cut short may have written them.
    replayed: BTreeSet<TimerRef>,
    /// Gone since the last checkpoint began, though the view has them, or may have.
    gone: BTreeSet<TimerRef>,
    /// The same two, of a checkpoint that is being written.
    flushing: (BTreeMap<TimerRef, Delayed>, BTreeSet<TimerRef>),
}

impl Timers {
    /// No delayed messages in memory; those of the view come by loads.
    pub(crate) fn new(id: PartitionId) -> Self {
        let share = u32::from(id.0 % LOADS_SPREAD);
        Self {
            turn: HORIZON / 2 * share / u32::from(LOADS_SPREAD),
            near: BTreeMap::new(),
            deferred: BTreeMap::new(),
            horizon: Millis(0),
            target: None,
            fresh: BTreeMap::new(),
            replayed: BTreeSet::new(),
            gone: BTreeSet::new(),
            flushing: Default::default(),
        }
    }

    /// Adds a delayed message.
    pub(crate) fn insert(&mut self, delayed: Delayed, replaying: bool) {
        let reference = delayed.reference();
        if replaying {
            self.replayed.insert(reference);
        }
        if delayed.due <= self.reach() {
            self.near.insert(reference, delayed.clone());
        }
        self.fresh.insert(reference, delayed);
    }

    /// Takes a delayed message away: it was delivered, cancelled or recalled.
    pub(crate) fn remove(&mut self, reference: TimerRef) {
        self.near.remove(&reference);
        self.deferred.remove(&reference);
        if self.fresh.remove(&reference).is_none() || self.replayed.contains(&reference) {
            self.gone.insert(reference);
        }
    }

    /// The first message that is due.
    pub(crate) fn due(&self, now: Millis) -> Option<&Delayed> {
        self.near
            .values()
            .next()
            .filter(|delayed| delayed.due <= now)
    }

    /// Sets a due message aside for as long as its scope is busy.
    pub(crate) fn defer(&mut self, reference: TimerRef) {
        if let Some(delayed) = self.near.remove(&reference) {
            self.deferred.insert(reference, delayed);
        }
    }

    /// Makes a message due again that was set aside, unless it was cancelled meanwhile.
    pub(crate) fn resume(&mut self, reference: TimerRef) {
        if let Some(delayed) = self.deferred.remove(&reference) {
            self.near.insert(reference, delayed);
        }
    }

    /// A due message that was set aside, unless it was cancelled meanwhile.
    pub(crate) fn deferred(&self, reference: TimerRef) -> Option<&Delayed> {
        self.deferred.get(&reference)
    }

    /// A delayed message as it is known here: none if it is gone. What is not here, the view knows.
    pub(crate) fn newer(&self, reference: TimerRef) -> Option<Option<&Delayed>> {
        let (flushed, deleted) = &self.flushing;
        if self.gone.contains(&reference) {
            return Some(None);
        }
        if let Some(fresh) = self.fresh.get(&reference) {
            return Some(Some(fresh));
        }
        if deleted.contains(&reference) {
            return Some(None);
        }
        let held = [flushed, &self.near, &self.deferred];
        held.into_iter().find_map(|of| of.get(&reference)).map(Some)
    }

    /// When to look again: at the next due time, or when the horizon draws near.
    pub(crate) fn wake(&self) -> Millis {
        let next = self
            .near
            .keys()
            .next()
            .map_or(Millis::MAX, |timer| timer.due);
        match self.target {
            Some(_) => next,
            None => next.min(Millis(self.horizon.0.saturating_sub(half(HORIZON)))),
        }
    }

    /// Begins to load what comes due next, if the horizon draws near.
    pub(crate) fn advance(&mut self, now: Millis) -> Option<Load> {
        if self.target.is_some() || now.0.saturating_add(half(HORIZON)) < self.horizon.0 {
            return None;
        }
        // Partitions that have nothing to load take their turns together: an idle host sleeps.
        let is_idle = self.near.is_empty() && self.horizon > Millis(0);
        let turn = if is_idle { 0 } else { millis(self.turn) };
        let target = Millis(next_turn(now.0.saturating_add(millis(HORIZON)), turn));
        self.target = Some(target);
        let newer = self.fresh.values().chain(self.flushing.0.values());
        let coming: Vec<_> = newer
            .filter(|delayed| delayed.due <= target)
            .cloned()
            .collect();
        for delayed in coming {
            let reference = delayed.reference();
            if delayed.due > self.horizon && !self.gone.contains(&reference) {
                self.near.insert(reference, delayed);
            }
        }
        Some(Load {
            after: TimerRef {
                due: self.horizon,
                id: wasmill_model::MessageId(0),
            },
        })
    }

    /// Takes what a load brought, in order; returns the load of the rest.
    pub(crate) fn loaded(&mut self, batch: Vec<Delayed>, complete: bool) -> Option<Load> {
        let target = self.target?;
        let last = batch.last().map(Delayed::reference);
        for delayed in batch {
            let reference = delayed.reference();
            let gone = self.gone.contains(&reference) || self.flushing.1.contains(&reference);
            if delayed.due <= target && delayed.due > self.horizon && !gone {
                self.near.insert(reference, delayed);
            }
        }
        match last {
            Some(last) if !complete && last.due <= target => Some(Load { after: last }),
            _ => {
                self.horizon = target;
                self.target = None;
                None
            }
        }
    }

    /// What a checkpoint writes and deletes.
    pub(crate) fn begin_checkpoint(&mut self) -> (Vec<Delayed>, Vec<TimerRef>) {
        self.flushing = (
            std::mem::take(&mut self.fresh),
            std::mem::take(&mut self.gone),
        );
        (
            self.flushing.0.values().cloned().collect(),
            self.flushing.1.iter().copied().collect(),
        )
    }

    /// The checkpoint is in the view.
    pub(crate) fn end_checkpoint(&mut self) {
        self.flushing = Default::default();
        self.replayed.clear();
    }

    fn reach(&self) -> Millis {
        self.target.unwrap_or(self.horizon)
    }
}

/// The first moment from `time` on that is `turn` after the beginning of a cycle.
fn next_turn(time: u64, turn: u64) -> u64 {
    let cycle = half(HORIZON);
    let late = time.saturating_sub(turn) % cycle;
    match late {
        0 => time,
        late => time.saturating_add(cycle - late),
    }
}

fn half(span: Duration) -> u64 {
    millis(span) / 2
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
