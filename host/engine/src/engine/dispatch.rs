//! Dispatch: which lane runs next.

use wasmill_model::{Name, PartitionId, reserved};

use super::{Action, Engine, RunRequest, Ticket};
use crate::backlog::Pending;
use crate::lane::{LaneId, Running};
use crate::subscription::SubIndex;

impl Engine {
    /// Lists a lane that may have something to run.
    pub(super) fn list(&mut self, id: PartitionId, lane_id: LaneId) {
        let Some(lane) = self.partition_mut(id).lanes.get_mut(&lane_id) else {
            return;
        };
        if lane.running.is_none() && !lane.listed {
            lane.listed = true;
            self.ready.push_back((id, lane_id));
        }
    }

    /// Starts runs, as far as there is room.
    pub(crate) fn dispatch(&mut self) {
        if !self.live {
            return;
        }
        while self.runs < self.config.runs_max
            && self.unsealed_bytes() < self.config.unsealed_bytes_max
            && !self.is_behind()
        {
            let Some((id, lane_id)) = self.ready.pop_front() else {
                return;
            };
            self.dispatch_lane(id, lane_id);
        }
    }

    fn dispatch_lane(&mut self, id: PartitionId, lane_id: LaneId) {
        let subs = &self.subs;
        let Some(lane) = self.partitions[usize::from(id.0)].lanes.get_mut(&lane_id) else {
            return;
        };
        lane.listed = false;
        if lane.running.is_some() {
            return;
        }
        let may_start = |index: SubIndex| subs[index].is_runnable() && subs[index].room() > 0;
        let Some(sub) = lane.next(may_start) else {
            return match lane.next(|index| subs[index].is_runnable()) {
                Some(full) => self.starve(id, lane_id, full),
                None => self.partition_mut(id).release(&lane_id),
            };
        };
        self.start_run(id, lane_id, sub);
    }

    /// Lets a lane wait until the subscription has room for another run. A message of another
    /// subscription may still wake it.
    fn starve(&mut self, id: PartitionId, lane_id: LaneId, sub: SubIndex) {
        let lane = self.partition_mut(id).lanes.get_mut(&lane_id);
        let Some(lane) = lane.filter(|lane| !lane.starved) else {
            return;
        };
        lane.starved = true;
        self.subs[sub].starved.push_back((id, lane_id));
    }

    /// Lists as many of the lanes that wait for the subscription as it has room for.
    pub(super) fn feed(&mut self, sub: SubIndex) {
        for _ in 0..self.subs[sub].room() {
            let Some((id, lane_id)) = self.subs[sub].starved.pop_front() else {
                return;
            };
            if let Some(lane) = self.partition_mut(id).lanes.get_mut(&lane_id) {
                lane.starved = false;
            }
            self.list(id, lane_id);
        }
    }

    fn start_run(&mut self, id: PartitionId, lane_id: LaneId, sub: SubIndex) {
        let barrier = self.subs[sub].external.then(|| self.barrier());
        // A handler that acts outside must wait for the commit of the message before it.
        let count_max = if barrier.is_some() {
            1
        } else {
            self.config.run_count_max
        };
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.runs += 1;
        let state = &mut self.subs[sub];
        state.running += 1;
        let subscription = state.name.clone();
        let owner = state
            .owner
            .clone()
            .expect("a runnable subscription has a plugin");
        let partition = &mut self.partitions[usize::from(id.0)];
        let lane = partition
            .lanes
            .get_mut(&lane_id)
            .expect("the lane was just looked at");
        let recent = lane.recent.clone();
        let waiting = &lane.track(sub).waiting;
        let chosen = |it: &Pending| it.message.chosen_version().cloned();
        let first = waiting.front().and_then(chosen);
        // One version of the plugin handles all messages of a run.
        let same = waiting
            .iter()
            .take_while(|it| it.message.chosen_version() == first.as_ref());
        let messages: Vec<_> = same.take(count_max).cloned().collect();
        lane.running = Some(Running {
            subscription: sub,
            count: messages.len(),
            ticket,
        });
        let ticket = Ticket {
            partition: id,
            lane: lane_id,
            number: ticket,
            generation: self.generation,
        };
        let request = RunRequest {
            ticket,
            owner,
            subscription,
            place: sub,
            messages,
            recent,
            barrier,
        };
        self.actions.push(Action::Run(request));
    }

    /// A run ended: its lane, and lanes that waited for it, may go on.
    pub(super) fn end_run(&mut self, sub: SubIndex) {
        self.runs -= 1;
        self.subs[sub].running -= 1;
        self.feed(sub);
    }

    /// Puts a plugin's subscriptions into service, or pauses them: their messages are kept.
    pub fn set_serving(&mut self, plugin: &Name, serving: bool) {
        for sub in &mut self.subs {
            if sub.plugin.as_ref() == Some(plugin) {
                sub.serving = serving;
            }
        }
        if !serving {
            self.serving.remove(plugin);
            return;
        }
        self.serving.insert(plugin.clone());
        let of_plugin = |lane: &LaneId, subs: &[crate::subscription::SubState]| match lane {
            LaneId::Keyed(scope) => *reserved::plugin_of(&scope.plugin) == **plugin,
            LaneId::Loose(sub, _) => subs[*sub].plugin.as_ref() == Some(plugin),
        };
        let mut found = Vec::new();
        for partition in &self.partitions {
            let lanes = partition
                .lanes
                .keys()
                .filter(|lane| of_plugin(lane, &self.subs));
            found.extend(lanes.map(|lane| (partition.id, lane.clone())));
        }
        for (id, lane_id) in found {
            self.list(id, lane_id);
        }
        (0..self.subs.len()).for_each(|sub| self.feed(sub));
        self.dispatch();
    }
}
