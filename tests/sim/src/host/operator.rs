//! What operators do: take messages back, set halted keys going, change the routes.

use std::sync::Arc;

use wasmill_engine::{DelayedId, Halted, Recalled, Resume, codec, layout};
use wasmill_model::effects::{Delayed, Scope};
use wasmill_model::{Millis, Name, Routes};
use wasmill_port::store::View;
use wasmill_port::{Clock, ScopeState, StateReader};

use super::{Dead, Host};

impl Host {
    /// Takes a delayed message from outside back.
    pub(crate) fn recall(&mut self, id: DelayedId) -> Result<Recalled, Dead> {
        let stored = self.view.get(&layout::timer(id.partition, id.timer));
        let stored = stored.map_err(|_| Dead)?;
        let stored = stored.map(|it| -> Delayed { codec::decode(&it).expect("a timer of ours") });
        let now = self.clock.now();
        let answer = self.engine.recall(id, stored, now);
        self.collect();
        Ok(answer)
    }

    /// Takes back what a handler put off under an entry of its key's state.
    pub(crate) fn recall_entry(
        &mut self,
        plugin: &Name,
        key: &Name,
        entry: &Name,
    ) -> Result<Recalled, Dead> {
        let scope = Scope {
            plugin: plugin.clone(),
            key: key.clone(),
        };
        let recent = self.engine.recent(&scope);
        let reader: Arc<dyn StateReader> = self.context.reader.clone();
        let state = ScopeState::new(scope, recent, reader);
        let Some(value) = state.get(entry).map_err(|_| Dead)? else {
            return Ok(Recalled::Gone);
        };
        if self.sabotage.lies() {
            return Ok(Recalled::Done);
        }
        let delayed: Delayed = codec::decode(&value).expect("an entry of ours");
        let now = self.clock.now();
        let answer = self.engine.recall_entry(entry, &value, delayed, now);
        self.collect();
        Ok(answer)
    }

    /// The keys that a subscription halted.
    pub(crate) fn halted(&self, subscription: &str) -> Vec<Halted> {
        self.engine.halted(Some(&subscription.into())).collect()
    }

    /// Sets a halted key going again; returns how many there were.
    pub(crate) fn resume(&mut self, subscription: &str, key: &Name, how: Resume) -> usize {
        let now = self.clock.now();
        let named = self.engine.halted_keys(&subscription.into(), Some(key));
        let resumed = named
            .iter()
            .filter_map(|it| self.engine.resume(it, how, now));
        let count = resumed.count();
        self.collect();
        count
    }

    /// Puts other routes in force, now or, if the engine cannot, with the next start.
    pub(crate) fn set_routes(&mut self, routes: &Arc<Routes>) {
        self.routes_file = routes.clone();
        let now = self.clock.now();
        self.engine.set_uptime(self.uptime());
        let changed = self.sabotage.reload(&mut self.engine, routes, now);
        if changed.is_ok() {
            if self.sabotage.meets() {
                self.engine.meet(now);
            }
            self.context.routes = routes.clone();
        }
        self.collect();
    }

    /// The time for which a schedule ran last.
    pub(crate) fn schedule_ran_last(&self, name: &str) -> Option<Millis> {
        let mut schedules = self.engine.schedules();
        let (_, runs) = schedules.find(|(it, _)| it.name == *name)?;
        runs.last
    }
}
