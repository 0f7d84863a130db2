//! The engine: all partitions of a host, and the block that they commit to together.

mod apply;
mod blocks;
mod bring_out;
mod dispatch;
mod obituaries;
mod queues;
mod settle;
mod survey;
mod tick;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use wasmill_model::effects::{Scope, TimerRef};
use wasmill_model::record::DeadLetter;
use wasmill_model::{Message, MessageId, Millis, Name, PartitionId, Partitioner, Routes};

pub use crate::lane::Entries;
pub(crate) use bring_out::Stuck;
pub use survey::Survey;

use crate::backlog::{Pending, QueueId};
use crate::checkpoint::Checkpoints;
use crate::dead_letters::LetterId;
use crate::halves::{CheckRequest, Checks};
use crate::lane::LaneId;
use crate::moves::Moves;
use crate::partition::Partition;
use crate::schedules::Schedules;
use crate::subscription::{SubIndex, SubState};
use crate::topics::Topics;
use crate::unsealed::Unsealed;

/// What is fixed for an engine's life.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Partitions of the data directory.
    pub partitions: u16,
    /// Most messages of a key in one run.
    pub run_count_max: usize,
    /// Most runs under way.
    pub runs_max: usize,
    /// No run starts while this much is committed and not sealed: the log is behind.
    pub unsealed_bytes_max: usize,
    /// No run starts while this much of the log is not in the view: checkpoints are behind.
    pub uncovered_bytes_max: u64,
    /// After how long a plugin that was found missing is tried again.
    pub unavailable_delay: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            partitions: 64,
            run_count_max: 32,
            runs_max: 4_096,
            unsealed_bytes_max: 32 << 20,
            uncovered_bytes_max: 256 << 20,
            unavailable_delay: Duration::from_millis(250),
        }
    }
}

/// What the engine asks of its surroundings.
#[derive(Debug)]
pub enum Action {
    /// Call a handler, and report with [`Engine::complete`].
    Run(RunRequest),
    /// Write a page to the view; it need not be durable.
    WritePage(PageRef, Vec<u8>),
    /// Read a page, written before, and report with [`Engine::page_loaded`].
    LoadPage(PageRef),
    /// Read delayed messages of a partition from the view, and report with
    /// [`Engine::timers_loaded`].
    LoadTimers {
        /// The partition.
        partition: PartitionId,
        /// From here on, this one included.
        after: TimerRef,
        /// How many at most.
        limit: usize,
    },
    /// A message of a flow that somebody watches.
    Watched(Arc<Message>),
    /// Ask the owner of a half message, and report with [`Engine::checked`].
    Check(CheckRequest),
    /// A message was given up, and is a dead letter of this id.
    Buried(LetterId, Box<DeadLetter>),
}

/// A page of a queue in the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRef {
    /// The partition.
    pub partition: PartitionId,
    /// The subscription.
    pub subscription: Name,
    /// Which of its queues.
    pub queue: QueueId,
    /// The page's number.
    pub number: u64,
}

/// Messages for a handler, of one key and subscription, in order.
#[derive(Debug)]
pub struct RunRequest {
    /// Names the run when it is reported.
    pub ticket: Ticket,
    /// Whose state the handler sees: see [`wasmill_model::reserved::owner`].
    pub owner: Name,
    /// The subscription.
    pub subscription: Name,
    /// Its place in [`Engine::census`].
    pub place: usize,
    /// The messages.
    pub messages: Vec<Pending>,
    /// The scope's state that is newer than the view.
    pub recent: Arc<Entries>,
    /// The barrier that must be durable before the handler starts, if it acts outside.
    pub barrier: Option<u64>,
}

/// Names a run.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub(crate) partition: PartitionId,
    pub(crate) lane: LaneId,
    pub(crate) number: u64,
    /// Which routes were in force when the run began.
    pub(crate) generation: u64,
}

impl Ticket {
    /// What tells the run from all others of this engine.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// All partitions of a host.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: Config,
    partitioner: Partitioner,
    pub(crate) routes: Arc<Routes>,
    /// How often the routes changed.
    pub(crate) generation: u64,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) subs: Vec<SubState>,
    sub_index: HashMap<Name, SubIndex>,
    /// False while recovery replays: nothing is dispatched.
    pub(crate) live: bool,
    pub(crate) now: Millis,
    pub(crate) unkeyed: u16,

    unsealed: Unsealed,
    /// The time of the last block that was sealed: a recovery is never before that.
    pub(crate) sealed_at: Millis,
    /// The number that the next block to be sealed gets.
    pub(crate) next_block: u64,
    /// Bytes of all blocks sealed so far.
    pub(crate) log_bytes: u64,

    /// Lanes that may have something to run.
    ready: VecDeque<(PartitionId, LaneId)>,
    runs: usize,
    next_ticket: u64,
    /// Plugins in service.
    pub(crate) serving: BTreeSet<Name>,
    /// Parked tracks by the time when they may go on.
    pub(crate) parked: BTreeSet<(Millis, PartitionId, LaneId, SubIndex)>,
    /// Due timers that reach no subscription of the routes in force: kept until it has one.
    pub(crate) unheard: Vec<(PartitionId, TimerRef)>,
    pub(crate) schedules: Schedules,
    watched: HashMap<MessageId, usize>,
    pub(crate) moves: Moves,
    pub(crate) topics: Topics,
    pub(crate) actions: Vec<Action>,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) checks: Checks,
}

impl Engine {
    /// An empty engine that is not live: recovery, or nothing, comes first.
    #[must_use]
    pub(crate) fn new(config: Config, routes: &Arc<Routes>) -> Self {
        let partitions = (0..config.partitions).map(|id| Partition::new(PartitionId(id)));
        let mut engine = Self {
            config,
            partitioner: Partitioner::new(config.partitions),
            routes: Arc::default(),
            generation: 0,
            partitions: partitions.collect(),
            subs: Vec::new(),
            sub_index: HashMap::new(),
            live: false,
            now: Millis(0),
            unkeyed: 0,
            unsealed: Unsealed::default(),
            sealed_at: Millis(0),
            next_block: 0,
            log_bytes: 0,
            ready: VecDeque::new(),
            runs: 0,
            next_ticket: 0,
            serving: BTreeSet::new(),
            parked: BTreeSet::new(),
            unheard: Vec::new(),
            schedules: Schedules::default(),
            watched: HashMap::new(),
            moves: Moves::default(),
            topics: Topics::default(),
            actions: Vec::new(),
            checkpoints: Checkpoints::default(),
            checks: Checks::default(),
        };
        engine.adopt(routes);
        engine
    }

    /// Takes what the engine asks for.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// What is newer than the view in a scope.
    #[must_use]
    pub fn recent(&self, scope: &Scope) -> Arc<Entries> {
        let partition = self.partitioner.of(&scope.key);
        let lanes = &self.partitions[usize::from(partition.0)].lanes;
        lanes
            .get(&LaneId::Keyed(scope.clone()))
            .map(|lane| lane.recent.clone())
            .unwrap_or_default()
    }

    /// Nobody waits for this flow any more.
    pub fn unwatch(&mut self, correlation: MessageId) {
        if let Some(count) = self.watched.get_mut(&correlation) {
            *count -= 1;
            if *count == 0 {
                self.watched.remove(&correlation);
            }
        }
    }

    /// Stops starting runs; those under way may still be completed.
    pub fn halt(&mut self) {
        self.live = false;
    }

    /// Runs under way.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// Each subscription: its name, messages that wait or run, runs under way, dead letters
    /// since the start. Its place among them stays while the process lives.
    pub fn census(&self) -> impl Iterator<Item = (&Name, u64, usize, u64)> {
        self.subs
            .iter()
            .map(|sub| (&sub.name, sub.pending, sub.running, sub.buried))
    }

    /// Messages that wait for, or run in, a subscription.
    pub(crate) fn pending_of(&self, subscription: &Name) -> u64 {
        let index = self.sub_index.get(subscription);
        index.map_or(0, |index| self.subs[*index].pending)
    }

    /// How keys map to partitions.
    #[must_use]
    pub fn partitioner(&self) -> Partitioner {
        self.partitioner
    }

    /// The routes in force.
    #[must_use]
    pub fn routes(&self) -> &Arc<Routes> {
        &self.routes
    }

    /// Moves the engine's time on; it never goes back.
    pub(crate) fn advance(&mut self, now: Millis) -> Millis {
        self.now = self.now.max(now);
        self.now
    }

    pub(crate) fn partition(&self, id: PartitionId) -> &Partition {
        &self.partitions[usize::from(id.0)]
    }

    pub(crate) fn partition_mut(&mut self, id: PartitionId) -> &mut Partition {
        &mut self.partitions[usize::from(id.0)]
    }

    pub(crate) fn watch(&mut self, correlation: MessageId, wanted: bool) {
        if wanted {
            *self.watched.entry(correlation).or_default() += 1;
        }
    }

    /// The index of a subscription, known or not.
    pub(crate) fn sub(&mut self, name: &Name) -> SubIndex {
        if let Some(&index) = self.sub_index.get(name) {
            return index;
        }
        let definition = self.routes.subscription(name).cloned();
        self.subs.push(SubState::new(name.clone(), definition));
        self.sub_index.insert(name.clone(), self.subs.len() - 1);
        self.subs.len() - 1
    }

    /// The lane of a subscription's message.
    pub(crate) fn lane_of(&self, sub: SubIndex, key: Option<&Name>, seq: u64) -> LaneId {
        match key {
            None => LaneId::Loose(sub, seq),
            Some(key) => {
                let state = &self.subs[sub];
                // One without a plugin keeps its messages in lanes of its own.
                let plugin = state.owner.as_ref().unwrap_or(&state.name).clone();
                LaneId::Keyed(Scope {
                    plugin,
                    key: key.clone(),
                })
            }
        }
    }

    fn adopt(&mut self, routes: &Arc<Routes>) {
        self.routes = routes.clone();
        self.generation += 1;
        self.topics.adopt(routes);
        for definition in routes.subscriptions() {
            self.sub(&definition.name);
        }
        for sub in &mut self.subs {
            sub.define(routes.subscription(&sub.name).cloned());
            let Some(plugin) = &sub.plugin else { continue };
            sub.external = routes.plugin(plugin).grants.external();
            sub.serving = self.serving.contains(plugin);
        }
    }

    /// Puts other routes in force for all that comes after.
    ///
    /// # Errors
    /// A text that says what cannot change while messages may be waiting for it.
    pub fn set_routes(&mut self, routes: &Arc<Routes>, now: Millis) -> Result<(), String> {
        for sub in &self.subs {
            if let Some(new) = routes.subscription(&sub.name) {
                check_move(sub, &new.owner())?;
            }
        }
        self.advance(now);
        self.adopt(routes);
        self.reconcile_schedules();
        for (id, timer) in std::mem::take(&mut self.unheard) {
            self.partition_mut(id).timers.resume(timer);
        }
        for plugin in self.serving.clone() {
            self.set_serving(&plugin, true);
        }
        Ok(())
    }
}

/// Messages stand in the lanes of the plugin that their subscription had when they came.
fn check_move(sub: &SubState, to: &Name) -> Result<(), String> {
    let name = &sub.name;
    match &sub.owner {
        Some(from) if from != to && sub.pending > 0 => Err(format!(
            "subscription `{name}` cannot move from plugin `{from}` to `{to}` while messages \
             wait for it: give it a new name, or restart"
        )),
        None if sub.pending > 0 => Err(format!(
            "subscription `{name}` has messages from before this start: restart the host with \
             these routes to deliver them"
        )),
        _ => Ok(()),
    }
}
