//! A simulated host: the engine with its queues of work, each step taken by itself.
//!
//! It does what the service's threads do, in the same order, but when to append, when to write
//! the view and when a handler ends is the world's to choose.

mod intake;
mod letters;
mod look_up;
mod moves;
mod operator;
mod runs;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_engine::{Action, Checkpoint, Engine};
use wasmill_model::effects::Scope;
use wasmill_model::{Millis, Name, Partitioner, Routes};
use wasmill_port::store::{Acquired, Log};
use wasmill_port::{Clock, RunContext, ScopeState, StateReader};
use wasmill_service::{Sweeper, ViewReader, ViewWork, recover};
use wasmill_store::{Memory, MemoryLog, MemoryView};

use crate::clock::SimClock;
use crate::sabotage::Sabotage;

pub(crate) use intake::LookedUp;
pub(crate) use letters::Held;
pub(crate) use runs::PassedOver;

use moves::Stage;
use runs::Runs;

/// Partitions of the simulated host: few, so that keys meet.
pub(crate) const PARTITIONS: u16 = 4;

/// The store failed: the host is dead until it restarts.
#[derive(Debug)]
pub(crate) struct Dead;

/// Work for the view, in order.
enum ForView {
    Asked(ViewWork),
    Checkpoint(Checkpoint),
}

/// One life of a host, from a start to a crash.
pub(crate) struct Host {
    engine: Engine,
    store: Memory,
    log: MemoryLog,
    /// The first block that the log still has.
    log_first: u64,
    view: Arc<MemoryView>,
    epoch: u64,
    clock: Arc<SimClock>,
    /// How long the world was there when this host began.
    started: Duration,
    context: RunContext,
    /// What the next host starts with.
    routes_file: Arc<Routes>,
    view_work: VecDeque<ForView>,
    /// Sealed blocks, from number `durable` on.
    appending: VecDeque<Vec<u8>>,
    durable: u64,
    checkpointing: bool,
    /// A checkpoint that waits for its blocks. Other work on the view overtakes it.
    waiting: Option<Checkpoint>,
    runs: Runs,
    /// Subscriptions that are being moved.
    moves: BTreeMap<Name, Stage>,
    /// How many checkpoints each partition began and ended.
    versions: [u64; PARTITIONS as usize],
    sweeper: Sweeper,
    /// The time up to which it swept.
    swept_at: Millis,
    sabotage: Sabotage,
}

impl Host {
    /// Starts on what `store` holds.
    pub(crate) fn start(
        store: &Memory,
        clock: Arc<SimClock>,
        routes: &Arc<Routes>,
        sabotage: Sabotage,
    ) -> Result<Self, Dead> {
        let (mut log, view) = store.open();
        let view = Arc::new(view);
        let acquired = log.acquire().map_err(|_| Dead)?;
        let engine = recovered(routes, &log, acquired, &view, &clock)?;
        let partitioner = Partitioner::new(PARTITIONS);
        let reader = Arc::new(ViewReader {
            view: view.clone(),
            partitioner,
        });
        Ok(Self {
            engine,
            store: store.clone(),
            log,
            log_first: acquired.first,
            view,
            epoch: acquired.epoch,
            context: RunContext {
                routes: routes.clone(),
                reader,
                clock: clock.clone(),
                preparer: None,
            },
            routes_file: routes.clone(),
            started: clock.elapsed(),
            clock,
            view_work: VecDeque::new(),
            appending: VecDeque::new(),
            durable: acquired.next,
            checkpointing: false,
            waiting: None,
            runs: Runs::default(),
            moves: BTreeMap::new(),
            versions: [0; PARTITIONS as usize],
            sweeper: Sweeper::new(PARTITIONS),
            swept_at: Millis(0),
            sabotage,
        })
    }

    /// Blocks that are durable.
    pub(crate) fn durable(&self) -> u64 {
        let sealed = self.engine.sealed_blocks();
        self.sabotage.durable(self.durable, sealed)
    }

    /// How many blocks must be durable for all that was done so far to be.
    pub(crate) fn barrier(&self) -> u64 {
        self.engine.barrier()
    }

    /// How many blocks were sealed since the log began.
    pub(crate) fn sealed(&self) -> u64 {
        self.engine.sealed_blocks()
    }

    /// The first block that the log still has.
    pub(crate) fn log_first(&self) -> u64 {
        self.log_first
    }

    /// The engine's time.
    pub(crate) fn now(&self) -> Millis {
        self.engine.now()
    }

    /// The clock, to let time go by.
    pub(crate) fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// How long this host has run, whatever its clock says.
    pub(crate) fn uptime(&self) -> Duration {
        self.clock.elapsed() - self.started
    }

    /// The routes in force.
    pub(crate) fn routes(&self) -> &Arc<Routes> {
        self.engine.routes()
    }

    /// The routes that the next host starts with.
    pub(crate) fn routes_file(&self) -> &Arc<Routes> {
        &self.routes_file
    }

    /// All plugins.
    pub(crate) fn plugins(&self) -> BTreeSet<Name> {
        plugins(self.routes())
    }

    /// Pauses a plugin, or puts it back into service.
    pub(crate) fn set_serving(&mut self, plugin: &Name, serving: bool) {
        self.engine.set_serving(plugin, serving);
        self.collect();
    }

    /// Does what has fallen due: the time that the engine was told, and the barriers before and
    /// after what it did; none if there was nothing.
    pub(crate) fn tick(&mut self) -> Option<(Millis, Range<u64>)> {
        self.engine.set_uptime(self.uptime());
        let now = self.clock.now() + Duration::from_millis(self.sabotage.ahead());
        if self.engine.wake() > now {
            return None;
        }
        let before = self.barrier();
        self.engine.tick(now);
        self.sabotage.tick(&mut self.engine);
        self.collect();
        Some((self.now(), before..self.barrier()))
    }

    /// Seals what was committed, if the log is free; false if there was nothing to do.
    pub(crate) fn seal(&mut self) -> bool {
        if self.appending.is_empty() {
            self.appending = self.engine.seal().1.into();
            return !self.appending.is_empty();
        }
        false
    }

    /// Appends a sealed block; false if there is none.
    pub(crate) fn append(&mut self) -> Result<bool, Dead> {
        let Some(block) = self.appending.pop_front() else {
            return Ok(false);
        };
        self.log
            .append(self.epoch, self.durable, self.sabotage.append(&block))
            .map_err(|_| Dead)?;
        self.durable += 1;
        self.pass_checkpoint_on();
        Ok(true)
    }

    /// Whether nothing is left to be done but what the clock brings.
    pub(crate) fn is_quiet(&self) -> bool {
        self.runs.is_empty()
            && self.appending.is_empty()
            && !self.engine.has_unsealed()
            && self.view_work.is_empty()
            && self.waiting.is_none()
    }

    /// Whether no message waits, and no timer.
    pub(crate) fn is_settled(&self) -> bool {
        let idle = self.engine.wake() > self.clock.now() + Duration::from_secs(30);
        let undecided = self.engine.half_census().0;
        self.is_quiet()
            && idle
            && undecided == 0
            && self.engine.census().all(|(_, pending, ..)| pending == 0)
    }

    /// Messages that wait for a subscription's handler, or run.
    pub(crate) fn pending(&self, subscription: &str) -> u64 {
        let mut census = self.engine.census();
        let found = census.find(|(name, ..)| **name == *subscription);
        found.map_or(0, |(_, pending, ..)| pending)
    }

    /// A state entry of a key, as its next handler would see it. `owner` is a plugin, or a plugin
    /// on this host.
    pub(crate) fn state(&self, owner: &str, key: &str, name: &str) -> Result<Option<Bytes>, Dead> {
        let scope = Scope {
            plugin: owner.into(),
            key: key.into(),
        };
        let recent = self.engine.recent(&scope);
        let reader: Arc<dyn StateReader> = self.context.reader.clone();
        let state = ScopeState::new(scope, recent, reader);
        state.get(name).map_err(|_| Dead)
    }

    /// Takes the engine's actions as work to be done.
    fn collect(&mut self) {
        for action in self.engine.take_actions() {
            let action = match ViewWork::of(action) {
                Ok(work) => {
                    self.view_work.push_back(ForView::Asked(work));
                    continue;
                }
                Err(action) => action,
            };
            match action {
                Action::Run(request) => {
                    // A handler goes by the routes with which it began.
                    let routes = self.context.routes.clone();
                    self.runs.waiting.push((request, routes));
                }
                Action::Check(request) => self.runs.checks.push(request),
                Action::Watched(_)
                | Action::Buried(..)
                | Action::WritePage(..)
                | Action::LoadPage(_)
                | Action::LoadTimers { .. } => {}
            }
        }
    }
}

/// The engine out of a log that was just acquired, and the view.
fn recovered(
    routes: &Arc<Routes>,
    log: &MemoryLog,
    acquired: Acquired,
    view: &MemoryView,
    clock: &SimClock,
) -> Result<Engine, Dead> {
    let config = wasmill_engine::Config {
        partitions: PARTITIONS,
        run_count_max: 3,
        ..wasmill_engine::Config::default()
    };
    let recovered = recover(config, routes, log, acquired, view, clock.now());
    let recovered = recovered.map_err(|error| {
        let text = error.to_string();
        assert!(
            !text.contains("restore the data directory"),
            "recovery found damage: {text}"
        );
        Dead
    })?;
    let mut engine = recovered.engine;
    clock.raise(engine.now());
    engine.meet(clock.now());
    for plugin in plugins(routes) {
        engine.set_serving(&plugin, true);
    }
    Ok(engine)
}

fn plugins(routes: &Routes) -> BTreeSet<Name> {
    routes.subscriptions().map(|it| it.plugin.clone()).collect()
}
