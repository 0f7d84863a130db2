//! The engine's thread: commands in, blocks and actions out.
//!
//! Whatever has come in is handled in one go, then what it committed is sealed into a block when
//! the log is free and the last block a millisecond old: the busier the host, the larger the blocks.

mod actions;
mod batch;
mod burials;
mod checkpoints;
mod gauges;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use wasmill_engine::{Engine, RunRequest, Survey};
use wasmill_model::Name;
use wasmill_model::effects::{FailureKind, Outcome, Uniqueness};
use wasmill_port::{Clock, Guests};

use crate::checks::Checker;
use crate::command::{Accept, Command, LogCommand, ViewCommand, Wires};
use crate::delivery::Deliverer;
use crate::handle::{AcceptError, BUSY_RETRY_AFTER, Receipt};
use crate::metrics::{Metrics, SubscriptionMetrics};
use crate::replies::{Replies, Reply, Waiters};
use crate::snapshots::Snapshots;

use burials::Burials;
pub(crate) use checkpoints::{Checkpoints, Cut};

/// Commands handled before what they committed goes to the log.
const BATCH_COUNT_MAX: usize = 1_024;
/// Least time from one block to the next, unless it is full. Each block costs a flush and a dozen
/// wake-ups, so a busy host writes fewer and larger ones; one that was idle does not wait.
const BLOCK_INTERVAL: Duration = Duration::from_millis(1);
/// Nothing comes in while this much waits for the log, or for the view.
const BEHIND_BYTES_MAX: usize = 64 << 20;
/// How often callers that went away are forgotten, gauges set, and dead letters told of.
const PURGE_INTERVAL: Duration = Duration::from_secs(1);
/// How long a stopping host waits for handlers.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

/// What the loop owns.
pub(crate) struct EngineLoop<G> {
    engine: Engine,
    clock: Arc<dyn Clock>,
    deliverer: Deliverer<G>,
    checker: Checker<G>,
    log: Sender<LogCommand>,
    view: Sender<ViewCommand>,
    metrics: Metrics,
    failure: watch::Sender<Option<String>>,
    checkpoints: Checkpoints,
    snapshots: Arc<Snapshots>,
    /// Bytes of pages on their way to the view.
    page_bytes: Arc<AtomicUsize>,
    /// Blocks that are durable.
    durable: u64,
    started: Instant,
    /// When the last block was sealed.
    sealed_at: Instant,
    state: LoopState,
}

/// What changes while the loop runs.
#[derive(Default)]
struct LoopState {
    replies: Replies,
    waiters: Waiters,
    /// Runs that must not start before a barrier is durable.
    gated: VecDeque<(u64, RunRequest)>,
    stopping: Option<Stopping>,
    burials: Burials,
    /// The look for the oldest messages that is under way.
    survey: Option<Survey>,
    /// By the subscription's place in the engine.
    subscriptions: Vec<SubscriptionMetrics>,
}

/// A host that is stopping.
struct Stopping {
    reply: oneshot::Sender<()>,
    deadline: Instant,
}

impl<G: Guests> EngineLoop<G> {
    /// The loop over a recovered engine, and where its failure is told.
    pub(crate) fn new(
        engine: Engine,
        (deliverer, checker): (Deliverer<G>, Checker<G>),
        wires: &Wires,
        checkpoints: Checkpoints,
        metrics: &Metrics,
    ) -> (Self, watch::Receiver<Option<String>>) {
        let (failure, failed) = watch::channel(None);
        let durable = engine.sealed_blocks();
        let engine_loop = Self {
            engine,
            clock: deliverer.context.clock.clone(),
            deliverer,
            checker,
            log: wires.log.0.clone(),
            view: wires.view.0.clone(),
            metrics: metrics.clone(),
            failure,
            checkpoints,
            snapshots: wires.snapshots.clone(),
            page_bytes: wires.page_bytes.clone(),
            durable,
            started: Instant::now(),
            sealed_at: Instant::now(),
            state: LoopState::default(),
        };
        (engine_loop, failed)
    }

    /// Where the loop's failure is told.
    pub(crate) fn failure(&self) -> watch::Sender<Option<String>> {
        self.failure.clone()
    }

    /// Runs until the host is stopped or its store fails.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        let mut purge_at = Instant::now();
        loop {
            match self.turn(commands) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return,
                Err(cause) => return self.fail(cause),
            }
            if purge_at <= Instant::now() {
                purge_at = Instant::now() + PURGE_INTERVAL;
                self.state.waiters.purge(&mut self.engine);
                self.set_gauges();
                self.state.survey.get_or_insert_default();
                self.state.burials.tell();
            }
            self.survey();
        }
    }

    fn turn(&mut self, commands: &Receiver<Command>) -> Result<ControlFlow<()>, String> {
        let first = commands.recv_timeout(self.patience());
        self.engine.set_uptime(self.started.elapsed());
        match first {
            Ok(command) => self.handle(command)?,
            Err(RecvTimeoutError::Timeout) => {}
            // Every handle is gone, and with them everybody who could stop the loop.
            Err(RecvTimeoutError::Disconnected) => return Ok(ControlFlow::Break(())),
        }
        for command in commands.try_iter().take(BATCH_COUNT_MAX) {
            self.handle(command)?;
            if self.engine.has_full_block() {
                break;
            }
        }
        let now = self.clock.now();
        if self.engine.wake() <= now {
            self.engine.tick(now);
        }
        self.perform_actions();
        self.seal();
        self.checkpoint();
        Ok(self.stop_if_drained())
    }

    /// How long the loop may sleep.
    fn patience(&self) -> Duration {
        let wake = self.engine.wake().since(self.clock.now());
        let checkpoint = self.checkpoints.patience(self.engine.barrier());
        let seal = match self.can_seal() {
            true => BLOCK_INTERVAL.saturating_sub(self.sealed_at.elapsed()),
            false => Duration::MAX,
        };
        let survey = match self.state.survey {
            Some(_) => Duration::ZERO,
            None => PURGE_INTERVAL,
        };
        wake.min(checkpoint).min(seal).min(survey)
    }

    fn handle(&mut self, command: Command) -> Result<(), String> {
        match command {
            Command::Accept(accept) => self.accept(accept),
            Command::AcceptAll(batch) => self.accept_all(batch),
            Command::Completed { ticket, outcomes } => {
                self.count(&outcomes);
                self.engine.complete(&ticket, outcomes, self.clock.now());
            }
            Command::Durable { blocks } => self.durable(blocks),
            Command::PageLoaded { page, bytes } => {
                self.engine.page_loaded(&page, &bytes).map_err(|error| {
                    format!("page {} of `{}`: {error}", page.number, page.subscription)
                })?;
            }
            Command::TimersLoaded {
                partition,
                batch,
                complete,
            } => {
                self.engine.timers_loaded(partition, batch, complete);
            }
            Command::CheckpointDone { completes } => self.checkpointed(completes),
            Command::Checked { request, verdict } => {
                self.engine.checked(&request, verdict, self.clock.now());
            }
            Command::Failed(cause) => return Err(cause),
            Command::SetRoutes { routes, reply } => {
                let result = self.engine.set_routes(&routes, self.clock.now());
                if result.is_ok() {
                    self.engine.meet(self.clock.now());
                    self.checkpoints.keep(routes.log);
                    Arc::make_mut(&mut self.deliverer.context).routes = routes;
                }
                drop(reply.send(result));
            }
            Command::SetServing {
                plugin,
                serving,
                reply,
            } => self.serve(&plugin, serving, reply),
            Command::Operate(operation) => {
                let answer = operation(&mut self.engine, self.clock.now());
                let barrier = self.engine.barrier();
                let reply = Reply::Operation(answer);
                self.state.replies.push(barrier, reply, self.durable);
            }
            Command::ReadLog { number, reply } => {
                // The log's thread has ended only after it reported a failure.
                let _ = self.log.send(LogCommand::Read { number, reply });
            }
            Command::Stop { reply } => {
                self.engine.halt();
                let deadline = Instant::now() + DRAIN_TIME_MAX;
                self.state.stopping = Some(Stopping { reply, deadline });
            }
        }
        Ok(())
    }

    fn accept(&mut self, accept: Box<Accept>) {
        if self.state.stopping.is_some() {
            return drop(accept.reply.send(Err(AcceptError::Stopped)));
        }
        if self.is_behind() {
            let retry_after = BUSY_RETRY_AFTER;
            return drop(accept.reply.send(Err(AcceptError::Busy { retry_after })));
        }
        if let Some(seen) = accept.seen
            && self.snapshots.version(seen.partition) != seen.version
        {
            return self.ask_view(ViewCommand::LookUp(accept));
        }
        let Accept {
            incoming,
            wait_for,
            reply,
            ..
        } = *accept;
        match self.engine.accept(incoming, self.clock.now()) {
            Err(refused) => drop(reply.send(Err(refused.into()))),
            Ok(accepted) => {
                self.metrics.accepted.inc();
                let outcome = (!wait_for.is_empty()).then(|| {
                    let (sender, receiver) = oneshot::channel();
                    self.state.waiters.add(accepted.message, wait_for, sender);
                    receiver
                });
                let receipt = Receipt {
                    outcome,
                    ..accepted.into()
                };
                let barrier = self.engine.barrier();
                self.state
                    .replies
                    .push(barrier, Reply::Accepted(reply, receipt), self.durable);
            }
        }
    }

    /// Whether the disk is so far behind that nothing more may come in.
    fn is_behind(&self) -> bool {
        self.engine.is_behind()
            || self.engine.unsealed_bytes() >= BEHIND_BYTES_MAX
            || self.page_bytes.load(Ordering::Relaxed) >= BEHIND_BYTES_MAX
    }

    fn serve(&mut self, plugin: &Name, serving: bool, reply: oneshot::Sender<()>) {
        self.engine.set_serving(plugin, serving);
        // Whoever asked may have gone.
        let _ = reply.send(());
    }

    fn durable(&mut self, blocks: u64) {
        self.durable = blocks;
        self.state.replies.release(blocks);
        while self
            .state
            .gated
            .front()
            .is_some_and(|(barrier, _)| *barrier <= blocks)
            && let Some((_, request)) = self.state.gated.pop_front()
        {
            self.deliverer.start(request);
        }
    }

    /// Whether there is something for the log, and the log is free.
    fn can_seal(&self) -> bool {
        self.engine.has_unsealed() && self.durable >= self.engine.sealed_blocks()
    }

    /// Hands what was committed to the log, when that is due.
    fn seal(&mut self) {
        let due = self.sealed_at.elapsed() >= BLOCK_INTERVAL || self.engine.has_full_block();
        if !due || !self.can_seal() {
            return;
        }
        self.sealed_at = Instant::now();
        let (first, blocks) = self.engine.seal();
        for (number, block) in (first..).zip(blocks) {
            // The log's thread has ended only after it reported a failure.
            let _ = self.log.send(LogCommand::Append { number, block });
        }
    }

    fn count(&self, outcomes: &[Outcome]) {
        self.metrics.runs.inc();
        let is_handled =
            |it: &&Outcome| it.result.is_ok() && it.uniqueness != Uniqueness::Duplicate;
        let handled = outcomes.iter().filter(is_handled).count();
        self.metrics.handled.inc_by(handled as u64);
        if let Some(Err(failure)) = outcomes.last().map(|it| &it.result)
            && failure.kind != FailureKind::Unavailable
        {
            self.metrics.failed.inc();
            tracing::debug!(cause = failure.cause, "a handler call failed");
        }
    }

    /// Everybody who waits is told, and who asks from now on finds the thread gone.
    fn fail(mut self, cause: String) {
        tracing::error!(cause, "the store failed: the host must be restarted");
        self.state.replies.fail(&cause);
        self.failure.send_replace(Some(cause));
    }
}
