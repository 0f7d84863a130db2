//! A host in memory, one life of it: the engine with its store, driven step by step on one thread,
//! and the plugin's own handlers.
//!
//! What a host with threads does is done here in one order: whatever was committed is durable
//! before anything else goes on, and one message is handled at a time.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use wasmill_engine::{Action, CheckRequest, Engine, Incoming, RunRequest, Verdict, codec};
use wasmill_model::effects::{Failure, FailureKind, Outcome, Uniqueness};
use wasmill_model::half::Owner;
use wasmill_model::{Half, Message, MessageId, Millis, Name, Partitioner, Routes, reserved};
use wasmill_port::call::{CallError, Preparing};
use wasmill_port::store::Log;
use wasmill_port::{Clock, Guests, Preparer, RunContext};
use wasmill_service::{ViewReader, ViewWork, recover, run_of};
use wasmill_store::{Memory, MemoryLog, MemoryView};
use wasmill_wasm::Registry;

use crate::clock::VirtualClock;
use crate::error::Error;
use crate::ledger::{Did, Ending, Ledger};
use crate::scenario::OutcomeKind;
use crate::watch::{Died, Seen, Watch};

/// How long a run may go on; each has one message.
const RUN_TIME_MAX: Duration = Duration::from_secs(3600);
/// What a crash leaves of writes that were not durable is drawn from this.
const CRASH_SEED: u64 = 1;
/// Handlers' calls of one step: a plugin that sends to itself for ever comes to no end.
const CALLS_MAX: usize = 100_000;

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
    pub(crate) seen: Seen,
    /// How long the call took, an instance that had to be made first among it.
    pub(crate) took: Duration,
    pub(crate) fuel: u64,
}

/// Why a stage does not go on.
pub(crate) enum Stop {
    /// The host died, while this message was handled.
    Died {
        seen: Seen,
        message: MessageId,
        subscription: Name,
    },
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
    /// What was handled, in all lives.
    pub(crate) handlings: Vec<Handling>,
}

impl Stage {
    /// Starts on an empty store.
    pub(crate) fn open(cast: &Cast, routes: &Arc<Routes>) -> Result<Self, Error> {
        let memory = Memory::new(CRASH_SEED);
        Self::start(cast, memory, routes, Ledger::default(), Vec::new())
    }

    /// The power fails, and the host starts on what is durable.
    pub(crate) fn restart(self, cast: &Cast) -> Result<Self, Error> {
        let memory = self.memory.crash(CRASH_SEED);
        let routes = self.context.routes.clone();
        Self::start(cast, memory, &routes, self.ledger, self.handlings)
    }

    fn start(
        cast: &Cast,
        memory: Memory,
        routes: &Arc<Routes>,
        ledger: Ledger,
        handlings: Vec<Handling>,
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
            handlings,
        })
    }

    /// Takes a message in: durable when this returns. A text says why it is refused.
    pub(crate) fn accept(&mut self, incoming: Incoming) -> Result<Result<(), String>, Error> {
        let now = self.context.clock.now();
        self.engine.set_uptime(now.since(self.started));
        let refused = self.engine.accept(incoming, now).err();
        self.commit()?;
        Ok(refused.map_or(Ok(()), |refused| Err(refused.to_string())))
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
        let calls_max = self.handlings.len() + CALLS_MAX;
        loop {
            self.turn()?;
            if let Some(request) = self.checks.pop_front() {
                self.check(cast, request).await;
            } else if let Some(request) = self.runs.pop_front() {
                self.handle(cast, request).await?;
            } else {
                return Ok(());
            }
            if self.handlings.len() > calls_max {
                return Err(Error::Endless(CALLS_MAX).into());
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

    async fn handle(&mut self, cast: &Cast, request: RunRequest) -> Result<(), Stop> {
        let Some(pending) = request.messages.first().cloned() else {
            return Ok(());
        };
        let subscription = request.subscription.clone();
        let died = |Died(seen)| Stop::Died {
            seen,
            message: pending.message.id,
            subscription: subscription.clone(),
        };
        cast.watch.call_begins().map_err(died)?;
        let (ticket, run) = run_of(request, self.context.clone(), RUN_TIME_MAX);
        let began = Instant::now();
        let mut handling = pin!(cast.registry.handle(run));
        let outcomes = loop {
            tokio::select! {
                biased;
                dead = cast.watch.death() => return Err(died(dead)),
                Some(wanted) = self.halves.recv() => self.prepare(wanted)?,
                outcomes = &mut handling => break outcomes,
            }
        };
        let took = began.elapsed();
        let seen = cast.watch.call_ended().map_err(died)?;
        let outcome = outcomes.first().cloned();
        self.engine.complete(&ticket, outcomes, cast.clock.now());
        // Without a record the message was handed back, and comes again.
        let did = self.commit()?.flatten();
        if let (Some(did), Some(outcome)) = (did, outcome) {
            let attempt = pending.attempts + 1;
            let message = pending.message.clone();
            let handling = told(message, subscription, attempt, &outcome, did);
            self.handlings.push(Handling {
                seen,
                took,
                ..handling
            });
        }
        Ok(())
    }

    /// Makes a half message durable while its handler waits.
    fn prepare(&mut self, wanted: Prepare) -> Result<(), Error> {
        let Prepare { run, half, reply } = wanted;
        let now = self.context.clock.now();
        let prepared = self.engine.prepare(run, half, now);
        self.commit()?;
        let answer = prepared.map_err(|error| CallError::Unavailable(error.to_string()));
        // A guest that trapped meanwhile waits no longer.
        let _ = reply.send(answer);
        Ok(())
    }

    /// Asks the owner of a half message what is to become of it.
    async fn check(&mut self, cast: &Cast, request: CheckRequest) {
        let verdict = match &request.half.owner {
            Owner::Plugin { scope, .. } if *reserved::plugin_of(&scope.plugin) == *cast.plugin => {
                match cast
                    .registry
                    .check(&cast.plugin, request.half.clone())
                    .await
                {
                    Ok(Ok(decision)) => Verdict::Decided(decision),
                    Ok(Err(cause)) => Verdict::Unknown(cause),
                    Err(error) => Verdict::Unknown(error.to_string()),
                }
            }
            _ => Verdict::Unavailable,
        };
        self.engine.checked(&request, verdict, cast.clock.now());
    }
}

/// What is told of a handling, but what was seen of it.
fn told(
    message: Arc<Message>,
    subscription: Name,
    attempt: u32,
    outcome: &Outcome,
    did: Did,
) -> Handling {
    let (kind, cause) = match (&outcome.result, did.ending) {
        (Ok(_), _) if outcome.uniqueness == Uniqueness::Duplicate => (OutcomeKind::Duplicate, ""),
        (Ok(_), _) => (OutcomeKind::Ok, ""),
        (Err(Failure { kind, cause }), ending) => {
            let kind = match (kind, ending) {
                (_, Ending::Retry(Millis::MAX)) => OutcomeKind::Halted,
                (_, Ending::Retry(_)) => OutcomeKind::Retry,
                (FailureKind::Reject, _) => OutcomeKind::Reject,
                _ => OutcomeKind::DeadLetter,
            };
            (kind, cause.as_str())
        }
    };
    Handling {
        message,
        subscription,
        attempt,
        outcome: kind,
        cause: cause.to_owned(),
        did,
        seen: Seen::default(),
        took: Duration::ZERO,
        fuel: outcome.call.map_or(0, |call| call.fuel),
    }
}

/// A half message on its way to the log, and where its handler waits.
struct Prepare {
    run: u64,
    half: Half,
    reply: oneshot::Sender<Result<(), CallError>>,
}

/// Takes half messages of handlers to the stage.
struct Desk(mpsc::UnboundedSender<Prepare>);

impl Preparer for Desk {
    fn prepare(&self, run: u64, half: Half) -> Preparing<'_> {
        let (reply, answer) = oneshot::channel();
        // The stage outlives every handler that it calls.
        let _ = self.0.send(Prepare { run, half, reply });
        let stopped = |_| CallError::Unavailable("the host is stopping".to_owned());
        Box::pin(async move { answer.await.map_err(stopped)? })
    }
}
