//! Schedules: messages that the host sends by itself, each run exactly once.
//!
//! The time of a schedule's next run is durable, in the partition that the schedule's name hashes
//! to. One record sends the message and moves the time on, so that a crash does neither or both.
//! What the routes say of a schedule is compared with what is kept whenever they come into force.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wasmill_model::record::ScheduledRuns;
use wasmill_model::routes::{MISSED_AFTER, Schedule, Timing};
use wasmill_model::{Millis, Name, Op, PartitionId};

use crate::engine::Engine;

/// Runs that one tick sends; the next tick follows at once.
const RUN_COUNT_MAX: usize = 256;

/// How all schedules stand.
#[derive(Debug, Default)]
pub(crate) struct Schedules {
    runs: BTreeMap<Name, ScheduledRuns>,
    /// Those that have a next run, by its time.
    due: BTreeSet<(Millis, Name)>,
    /// Changed since the last checkpoint of their partition began.
    dirty: BTreeSet<Name>,
    /// Up to which run the policy for missed ones was applied: those before are made up for.
    judged: BTreeMap<Name, Millis>,
}

impl Schedules {
    /// Takes how a schedule stands; none if it is gone.
    pub(crate) fn set(&mut self, name: Name, runs: Option<ScheduledRuns>) {
        if let Some(next) = self.runs.get(&name).and_then(|before| before.next) {
            self.due.remove(&(next, name.clone()));
        }
        self.dirty.insert(name.clone());
        match runs {
            Some(runs) => {
                self.due.extend(runs.next.map(|next| (next, name.clone())));
                self.runs.insert(name, runs);
            }
            None => {
                self.judged.remove(&name);
                self.runs.remove(&name);
            }
        }
    }

    /// When the next run is due.
    pub(crate) fn wake(&self) -> Millis {
        self.due.first().map_or(Millis::MAX, |(next, _)| *next)
    }

    /// Those that changed, of which `wanted` are to be kept now, and how they stand.
    pub(crate) fn take_dirty(
        &mut self,
        wanted: impl Fn(&Name) -> bool,
    ) -> Vec<(Name, Option<ScheduledRuns>)> {
        let taken = self.dirty.extract_if(.., |name| wanted(name));
        let stand = |name: Name| {
            let runs = self.runs.get(&name).cloned();
            (name, runs)
        };
        taken.map(stand).collect()
    }
}

impl Engine {
    /// Every schedule of the routes in force, and how it stands.
    pub fn schedules(&self) -> impl Iterator<Item = (&Arc<Schedule>, &ScheduledRuns)> {
        let all = self.routes().schedules.values();
        all.filter_map(|it| Some((it, self.schedules.runs.get(&it.name)?)))
    }

    /// Brings what is kept in line with the routes in force: new schedules begin, those that are
    /// gone end, and one with another timing has its next run replaced.
    pub(crate) fn reconcile_schedules(&mut self) {
        let routes = self.routes().clone();
        let kept = self.schedules.runs.keys();
        let gone: Vec<Name> = kept
            .filter(|name| !routes.schedules.contains_key(*name))
            .cloned()
            .collect();
        for name in gone {
            self.commit_runs(name, None);
        }
        for schedule in routes.schedules.values() {
            let timing = kept_as(&schedule.timing);
            let kept = self.schedules.runs.get(&schedule.name);
            if kept.is_some_and(|kept| kept.timing == timing) {
                continue;
            }
            let runs = ScheduledRuns {
                timing,
                next: schedule.timing.next_after(self.now),
                last: kept.and_then(|kept| kept.last),
            };
            self.commit_runs(schedule.name.clone(), Some(runs));
        }
    }

    /// Sends what is due.
    pub(crate) fn run_schedules(&mut self, now: Millis) {
        for _ in 0..RUN_COUNT_MAX {
            let first = self.schedules.due.first();
            let Some((next, name)) = first.filter(|(next, _)| *next <= now).cloned() else {
                return;
            };
            // The routes in force have it: else it would be gone.
            let Some(schedule) = self.routes().schedules.get(&name).cloned() else {
                return;
            };
            match self.judge_missed(&schedule, next, now) {
                Some(at) if at == next => self.run_schedule(&schedule, at),
                after => self.move_on(&schedule, after),
            }
        }
    }

    /// The run that comes now or next, if those before it are not made up for.
    fn judge_missed(&mut self, schedule: &Schedule, next: Millis, now: Millis) -> Option<Millis> {
        let grace = u64::try_from(MISSED_AFTER.as_millis()).unwrap_or(u64::MAX);
        // A run up to then was missed; one of just the grace's age is late.
        let missed = Millis(now.0.saturating_sub(grace + 1));
        let judged = self.schedules.judged.get(&schedule.name);
        if next > missed || judged.is_some_and(|judged| next <= *judged) {
            return Some(next);
        }
        self.schedules.judged.insert(schedule.name.clone(), missed);
        let count = schedule.missed.count_max();
        let before = Millis(next.0.saturating_sub(1));
        let made_up = schedule.timing.latest(before, missed, count);
        match made_up.front() {
            Some(first) => Some(*first),
            None => schedule.timing.next_after(missed),
        }
    }

    /// Sends the run of this time, and moves on, in one record.
    fn run_schedule(&mut self, schedule: &Schedule, at: Millis) {
        let runs = ScheduledRuns {
            timing: kept_as(&schedule.timing),
            next: schedule.timing.next_after(at),
            last: Some(at),
        };
        let name = schedule.name.clone();
        let home = self.partitioner().of(&name);
        let send = self.routes().fan_out(Arc::new(schedule.message(at)));
        if let Some(topic) = send.topic {
            let bytes = send.message.body.len();
            self.topics.count_inside(topic, bytes);
        }
        let runs = Some(runs);
        self.commit_with_sends(home, vec![Op::Schedule { name, runs }], [send]);
    }

    /// Moves on to another run without sending anything.
    fn move_on(&mut self, schedule: &Schedule, next: Option<Millis>) {
        let last = self.schedules.runs.get(&schedule.name);
        let last = last.and_then(|runs| runs.last);
        let runs = ScheduledRuns {
            timing: kept_as(&schedule.timing),
            next,
            last,
        };
        self.commit_runs(schedule.name.clone(), Some(runs));
    }

    fn commit_runs(&mut self, name: Name, runs: Option<ScheduledRuns>) {
        let home = self.partitioner().of(&name);
        self.commit(home, vec![Op::Schedule { name, runs }]);
    }

    /// What a checkpoint of a partition keeps of its schedules.
    pub(crate) fn changed_schedules(
        &mut self,
        id: PartitionId,
    ) -> Vec<(Name, Option<ScheduledRuns>)> {
        let partitioner = self.partitioner();
        self.schedules.take_dirty(|name| partitioner.of(name) == id)
    }
}

/// A timing as it is kept, to see whether the routes still say the same.
fn kept_as(timing: &Timing) -> Name {
    format!("{} {}", timing.expression(), timing.zone()).into()
}
