//! A host in memory, one life of it: the engine with its store, driven step by step on one thread,
//! and the plugin's own handlers.
//!
//! What a host with threads does is done here in one order: whatever was committed is durable
//! before anything else goes on, and one message is handled at a time.

mod asks;
mod calls;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use wasmill_engine::{
    Accepted, Action, CheckRequest, Engine, Incoming, Refused, RunRequest, codec, layout,
};
use wasmill_model::effects::Scope;
use wasmill_model::{Message, MessageId, Millis, Name, Partitioner, Routes};
use wasmill_port::store::{Change, Log, View};
use wasmill_port::{Clock, RunContext};
use wasmill_service::{ViewReader, ViewWork, recover};
use wasmill_store::{Memory, MemoryLog, MemoryView};
use wasmill_wasm::Registry;

pub(crate) use self::asks::Answered;
use self::calls::{Desk, Prepare};
use crate::clock::VirtualClock;
use crate::error::Error;
use crate::ledger::{Did, Ledger, Sent};
use crate::scenario::{OutcomeKind, State};
use crate::watch::{Seen, Watch};

/// What a crash leaves of writes that were not durable is drawn from this.
const CRASH_SEED: u64 = 1;
/// Calls of the plugin, and times at which something falls due, in one step: a plugin that sends to
/// itself, or sets its timer anew, for ever comes to no end.
pub(crate) const TURNS_MAX: usize = 100_000;

/// Who plays in every life of the host.
pub(crate) struct Cast {
    pub(crate) plugin: Name,
    pub(crate) registry: Arc<Registry>,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) watch: Arc<Watch>,
}

/// A message that was handled, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Handling {
    pub(crate) message: Arc<Message>,
    pub(crate) subscription: Name,
    pub(crate) attempt: u32,
    pub(crate) outcome: OutcomeKind,
    /// Why it failed; empty if it did not.
    pub(crate) cause: String,
    pub(crate) did: Did,
    pub(crate) seen: Arc<Seen>,
    /// How long the call took, an instance that had to be made first among it.
    pub(crate) took: Duration,
    pub(crate) fuel: u64,
}

/// A call of the plugin with a message, whether it came to an end or not.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    /// The message's id; a half message has one too.
    pub(crate) id: MessageId,
    pub(crate) of: CallOf,
    pub(crate) attempt: u32,
    pub(crate) seen: Arc<Seen>,
    /// Whether the host died meanwhile.
    pub(crate) cut_short: bool,
}

/// What a call is about. Ids are no part of it: after a crash those of later messages may differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallOf {
    /// Whose handler is called; none if the checker is.
    pub(crate) subscription: Option<Name>,
    pub(crate) message: Sent,
}

/// Why a stage does not go on.
pub(crate) enum Stop {
    /// The host died; the last call was under way.
    Died,
    /// There is no sense in going on.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A host, from a start to its end.
pub(crate) struct Stage {
    engine: Engine,
    memory: Memory,
    log: MemoryLog,
    view: Arc<MemoryView>,
    epoch: u64,
    durable: u64,
    started: Millis,
    context: RunContext,
    halves: mpsc::UnboundedReceiver<Prepare>,
    runs: VecDeque<RunRequest>,
    checks: VecDeque<CheckRequest>,
    pub(crate) ledger: Ledger,
    pub(crate) played: Played,
}

/// What was played so far, in all lives.
#[derive(Default)]
pub(crate) struct Played {
    /// What was handled: its record is durable.
    pub(crate) handlings: Vec<Handling>,
    /// All calls, those among them that came to nothing.
    pub(crate) calls: Vec<Called>,
    /// How much more the step may do: see [`TURNS_MAX`].
    turns_left: usize,
}

impl Stage {
    /// Starts on a store that has these states, and nothing else.
    pub(crate) fn open(cast: &Cast, routes: &Arc<Routes>, states: &[State]) -> Result<Self, Error> {
        let (memory, mut ledger) = (Memory::new(CRASH_SEED), Ledger::default());
        let partitioner = Partitioner::new(wasmill_engine::Config::default().partitions);
        let mut changes = Vec::new();
        for state in states {
            let scope = Scope {
                plugin: cast.plugin.clone(),
                key: state.key.clone(),
            };
            let partition = partitioner.of(&scope.key);
            let writes = state.writes();
            changes.extend(writes.iter().map(|(name, value)| Change {
                key: layout::state(partition, &scope, name),
                value: value.clone(),
            }));
            ledger.write(&scope, &writes);
        }
        // As a checkpoint would have left them.
        memory.open().1.checkpoint(changes)?;
        Self::start(cast, memory, routes, ledger, Played::default())
    }

    /// The power fails, and the host starts on what is durable.
    pub(crate) fn restart(self, cast: &Cast) -> Result<Self, Error> {
        let memory = self.memory.crash(CRASH_SEED);
        let routes = self.context.routes.clone();
        Self::start(cast, memory, &routes, self.ledger, self.played)
    }

    fn start(
        cast: &Cast,
        memory: Memory,
        routes: &Arc<Routes>,
        ledger: Ledger,
        played: Played,
    ) -> Result<Self, Error> {
        let (mut log, view) = memory.open();
        let view = Arc::new(view);
        let acquired = log.acquire()?;
        let config = wasmill_engine::Config {
            run_count_max: 1,
            // Checkpoints are not needed: a trial is short, and the log alone recovers it.
            uncovered_bytes_max: u64::MAX,
            ..wasmill_engine::Config::default()
        };
        let now = cast.clock.now();
        let recovered = recover(config, routes, &log, acquired, &*view, now)?;
        let mut engine = recovered.engine;
        engine.meet(now);
        engine.set_serving(&cast.plugin, true);
        let (preparer, halves) = mpsc::unbounded_channel();
        let reader = ViewReader {
            view: view.clone(),
            partitioner: Partitioner::new(config.partitions),
        };
        Ok(Self {
            engine,
            memory,
            log,
            view,
            epoch: acquired.epoch,
            durable: acquired.next,
            started: now,
            context: RunContext {
                routes: routes.clone(),
                reader: Arc::new(reader),
                clock: cast.clock.clone(),
                preparer: Some(Arc::new(Desk(preparer))),
            },
            halves,
            runs: VecDeque::new(),
            checks: VecDeque::new(),
            ledger,
            played,
        })
    }

    /// Another step begins.
    pub(crate) fn begin_step(&mut self) {
        self.played.turns_left = TURNS_MAX;
    }

    /// One thing more is done in this step.
    ///
    /// # Errors
    /// [`Error::Endless`] if that is one too many.
    pub(crate) fn take_turn(&mut self) -> Result<(), Error> {
        let left = self.played.turns_left.checked_sub(1);
        self.played.turns_left = left.ok_or(Error::Endless(TURNS_MAX))?;
        Ok(())
    }

    /// Takes a message in: durable when this returns.
    pub(crate) fn take_in(
        &mut self,
        incoming: Incoming,
    ) -> Result<Result<Accepted, Refused>, Error> {
        let now = self.context.clock.now();
        self.engine.set_uptime(now.since(self.started));
        let taken = self.engine.accept(incoming, now);
        self.commit()?;
        Ok(taken)
    }

    /// Puts other routes in force.
    pub(crate) fn set_routes(&mut self, routes: &Arc<Routes>) -> Result<(), Error> {
        let changed = self.engine.set_routes(routes, self.context.clock.now());
        changed.map_err(Error::Host)?;
        self.context.routes = routes.clone();
        self.commit()?;
        Ok(())
    }

    /// Does all that there is to be done now.
    pub(crate) async fn settle(&mut self, cast: &Cast) -> Result<(), Stop> {
        loop {
            self.turn()?;
            if let Some(request) = self.checks.pop_front() {
                self.take_turn()?;
                self.check(cast, request).await?;
            } else if let Some(request) = self.runs.pop_front() {
                self.take_turn()?;
                self.handle(cast, request).await?;
            } else {
                return Ok(());
            }
        }
    }

    /// Does what is due, and what the engine asks for, until nothing is left but calls of guests.
    fn turn(&mut self) -> Result<(), Error> {
        loop {
            self.perform()?;
            if self.commit()?.is_some() {
                continue;
            }
            let now = self.context.clock.now();
            if self.engine.wake() > now {
                return Ok(());
            }
            self.engine.set_uptime(now.since(self.started));
            self.engine.tick(now);
        }
    }

    fn perform(&mut self) -> Result<(), Error> {
        loop {
            let actions = self.engine.take_actions();
            if actions.is_empty() {
                return Ok(());
            }
            for action in actions {
                match ViewWork::of(action) {
                    Ok(work) => work.perform(&*self.view, &mut self.engine)?,
                    Err(Action::Run(request)) => self.runs.push_back(request),
                    Err(Action::Check(request)) => self.checks.push_back(request),
                    // Nobody waits for flows, and dead letters are in the records.
                    Err(_) => {}
                }
            }
        }
    }

    /// Makes durable what was committed. What the last handler's record among it says; none if
    /// nothing was committed.
    fn commit(&mut self) -> Result<Option<Option<Did>>, Error> {
        let (_, blocks) = self.engine.seal();
        let mut did = (!blocks.is_empty()).then_some(None);
        for block in blocks {
            self.log.append(self.epoch, self.durable, &block)?;
            self.durable += 1;
            for record in codec::records(&block)? {
                let now = self.engine.now();
                if let Some(found) = self.ledger.apply(&record, now) {
                    did = Some(Some(found));
                }
            }
        }
        Ok(did)
    }
}
