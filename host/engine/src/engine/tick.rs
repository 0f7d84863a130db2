//! Time: timers that fall due, tracks whose wait is over.

use wasmill_model::effects::{Delayed, TimerRef};
use wasmill_model::{Millis, Op, PartitionId, reserved};

use super::{Action, Engine};
use crate::lane::LaneId;
use crate::timers::{LOAD_COUNT_MAX, Load};

/// Timers of a partition that one tick delivers; the next tick follows at once.
const FIRE_COUNT_MAX: usize = 256;

impl Engine {
    /// Does what has fallen due.
    pub fn tick(&mut self, now: Millis) {
        let now = self.advance(now);
        if !self.live {
            return;
        }
        for index in 0..self.config.partitions {
            let id = PartitionId(index);
            self.fire_timers(id, now);
            let partition = self.partition_mut(id);
            if let Some(load) = partition.timers.advance(now) {
                self.load_timers(id, load);
            }
        }
        self.ask_owners(now);
        self.run_schedules(now);
        self.unpark(now);
        self.dispatch();
    }

    /// When [`Engine::tick`] has something to do next.
    #[must_use]
    pub fn wake(&self) -> Millis {
        if !self.live {
            return Millis::MAX;
        }
        let timers = self
            .partitions
            .iter()
            .map(|partition| partition.timers.wake())
            .min();
        let parked = self.parked.first().map(|(due, ..)| *due);
        timers
            .into_iter()
            .chain(parked)
            .chain([self.checks.wake()])
            .chain([self.schedules.wake()])
            .min()
            .unwrap_or(Millis::MAX)
    }

    /// Takes delayed messages that were asked for; `complete` if there were no more.
    pub fn timers_loaded(&mut self, id: PartitionId, batch: Vec<Delayed>, complete: bool) {
        if let Some(load) = self.partition_mut(id).timers.loaded(batch, complete) {
            self.load_timers(id, load);
        }
    }

    fn load_timers(&mut self, partition: PartitionId, load: Load) {
        let Load { after } = load;
        self.actions.push(Action::LoadTimers {
            partition,
            after,
            limit: LOAD_COUNT_MAX,
        });
    }

    fn fire_timers(&mut self, id: PartitionId, now: Millis) {
        for _ in 0..FIRE_COUNT_MAX {
            let Some(delayed) = self.partition(id).timers.due(now).cloned() else {
                return;
            };
            if !self.defer(id, &delayed) {
                self.fire(id, delayed);
            }
        }
    }

    /// A handler of the same scope that runs may yet cancel the message: it waits for the end
    /// of the run, so that the handler's answer to `cancel` stays true.
    fn defer(&mut self, id: PartitionId, delayed: &Delayed) -> bool {
        let Some(scope) = &delayed.scope else {
            return false;
        };
        let partition = self.partition_mut(id);
        let lane = partition.lanes.get_mut(&LaneId::Keyed(scope.clone()));
        let Some(lane) = lane.filter(|lane| lane.running.is_some()) else {
            return false;
        };
        lane.deferred.push(delayed.reference());
        partition.timers.defer(delayed.reference());
        true
    }

    pub(super) fn fire(&mut self, id: PartitionId, delayed: Delayed) {
        let reference = delayed.reference();
        let is_timer = delayed.message.timer.is_some();
        let entry = reserved::delayed(&delayed);
        let send = match &delayed.scope {
            Some(scope) if is_timer => self.routes.fan_out_to(&scope.plugin, delayed.message),
            _ => self.routes.fan_out(delayed.message),
        };
        if is_timer && send.targets.is_empty() {
            // The routes lost the subscription; a timer is a promise, so it waits for others.
            self.partition_mut(id).timers.defer(reference);
            return self.unheard.push((id, reference));
        }
        let mut ops = vec![Op::Undelay(reference)];
        // The entry of a timer stays until its message is handled, so that a cancel still wins;
        // that of a plain delayed message is over.
        if let Some(scope) = delayed.scope
            && !is_timer
        {
            let writes = vec![(entry, None)];
            ops.push(Op::State { scope, writes });
        }
        self.commit_with_sends(id, ops, [send]);
    }

    fn unpark(&mut self, now: Millis) {
        while let Some((due, ..)) = self.parked.first()
            && *due <= now
            && let Some((_, id, lane_id, sub)) = self.parked.pop_first()
        {
            self.with_track(id, &lane_id, sub, |track| track.parked = None);
            self.refill(id, &lane_id, sub);
            self.list(id, lane_id);
            self.pump(id, sub);
        }
    }

    /// The reference from which a load begins.
    #[must_use]
    pub fn timer_key(id: PartitionId, after: TimerRef) -> Vec<u8> {
        crate::layout::timer(id, after)
    }

    /// The engine's time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.now
    }
}
