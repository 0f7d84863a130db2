//! Starting and stopping the services.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwap;
use tokio::runtime;
use tokio::sync::oneshot;
use wasmill_engine::Corrupt;
use wasmill_engine::codec::{self, DecodeError, Header};
use wasmill_model::{Name, Partitioner, Routes};
use wasmill_port::store::{self, Acquired, BlockNumber, Log, View};
use wasmill_port::{CheckBack, Clock, Guests, RunContext, StateReader};

use crate::checks::{Checker, EnginePreparer};
use crate::command::{Command, Wires};
use crate::committer::Committer;
use crate::delivery::Deliverer;
use crate::engine_loop::{Checkpoints, Cut, EngineLoop};
use crate::handle::{Handle, InFlight, Shared};
use crate::keeper::Keeper;
use crate::look_up::LookUps;
use crate::metrics::Metrics;
use crate::operator::Places;
use crate::recovery::recover;
use crate::snapshots::VersionedView;
use crate::state::ViewReader;
use crate::sweeper::Sweeper;

/// Blocks of an earlier process at which the log may be cut.
const CUTS_COUNT: u64 = 64;

/// How the services run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// The engine's.
    pub engine: wasmill_engine::Config,
}

/// Why the services did not start. The data directory is as it was.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Something in the store does not read back.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// A page of a queue, or the head of a block, does not read back.
    #[error("the store is damaged: {0}; restore the data directory from a copy")]
    Damaged(#[from] DecodeError),
    /// A page of a queue is not there.
    #[error(
        "page {number} of subscription `{subscription}` is missing; restore the data directory \
         from a copy"
    )]
    MissingPage {
        /// The page.
        number: u64,
        /// The subscription.
        subscription: Name,
    },
    /// The log does not reach back to the checkpoint.
    #[error(
        "block {first} is wanted and the log has blocks {log_first} to {log_next}; restore the \
         data directory from a copy"
    )]
    Gap {
        /// The block wanted.
        first: BlockNumber,
        /// The log's first block.
        log_first: BlockNumber,
        /// One more than the log's last block.
        log_next: BlockNumber,
    },
    /// The operating system refused a thread.
    #[error("a thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Stops the services.
pub struct Stopper {
    commands: Sender<Command>,
    threads: Vec<JoinHandle<()>>,
}

impl Stopper {
    /// Lets handlers end, for a bounded time, makes everything durable and ends the threads.
    pub async fn stop(self) {
        let (reply, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop { reply }).is_ok() {
            // An error means that the thread had ended, which is what is wanted.
            let _ = stopped.await;
        }
        drop(self.commands);
        let join = move || {
            self.threads
                .into_iter()
                .for_each(|thread| drop(thread.join()));
        };
        // The threads end by themselves; a runtime that shuts down need not wait for it.
        let _ = tokio::task::spawn_blocking(join).await;
    }
}

/// What the services are made of.
pub struct Parts<G, L, V> {
    /// The log.
    pub log: L,
    /// The view.
    pub view: V,
    /// The plugins.
    pub guests: Arc<G>,
    /// How producers outside are asked about half messages.
    pub check_back: Arc<dyn CheckBack>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The routes.
    pub routes: Routes,
    /// Counters.
    pub metrics: Metrics,
    /// Where handlers run.
    pub runtime: runtime::Handle,
}

/// Recovers what the store holds and starts the services. No plugin serves yet: see
/// [`Handle::set_serving`].
///
/// # Errors
/// [`StartError`] if the store cannot be read, or does not fit together.
pub fn start<G: Guests, L: Log, V: View>(
    config: Config,
    parts: Parts<G, L, V>,
) -> Result<(Handle<G>, Stopper), StartError> {
    let mut log = parts.log;
    let (view, routes) = (Arc::new(parts.view), Arc::new(parts.routes));
    let (clock, metrics) = (parts.clock, parts.metrics);
    let acquired = log.acquire()?;
    let mut recovered = recover(config.engine, &routes, &log, acquired, &*view, clock.now())?;
    clock.raise(recovered.engine.now());
    recovered.engine.meet(clock.now());

    let wires = Wires::new(config.engine.partitions);
    let partitioner = Partitioner::new(config.engine.partitions);
    let reader: Arc<dyn StateReader> = Arc::new(ViewReader {
        view: view.clone(),
        partitioner,
    });
    let versioned = VersionedView {
        view: view.clone(),
        snapshots: wires.snapshots.clone(),
    };
    let context = RunContext {
        routes: routes.clone(),
        reader: reader.clone(),
        clock: clock.clone(),
        preparer: Some(Arc::new(EnginePreparer {
            engine: wires.engine.0.clone(),
        })),
    };
    let outside = (
        parts.guests.clone(),
        parts.check_back,
        parts.runtime.clone(),
    );
    let workers = workers(outside, context, &wires, &metrics);
    let cuts = cuts(&log, acquired)?;
    // What recovery replayed is due at once.
    let stand = (recovered.view_block, recovered.engine.covered_bytes());
    let partitions = config.engine.partitions;
    let checkpoints = Checkpoints::new(routes.log, partitions, stand, cuts);
    let (engine_loop, failure) =
        EngineLoop::new(recovered.engine, workers, &wires, checkpoints, &metrics);
    let shared = Shared {
        commands: wires.engine.0.clone(),
        guests: parts.guests,
        reader,
        clock: clock.clone(),
        routes: ArcSwap::new(routes),
        in_flight: InFlight::default(),
        versioned: versioned.clone(),
        look_ups: LookUps::new(log.blocks(), clock),
        previews: Places::default(),
        failure,
        driven: Mutex::default(),
    };
    let stopper = threads(
        engine_loop,
        (log, acquired),
        (view, versioned),
        wires,
        &metrics,
    )?;
    let handle = Handle {
        shared: Arc::new(shared),
    };
    go_on_with_moves(&handle, &parts.runtime);
    Ok((handle, stopper))
}

/// Subscriptions that were being moved when the host ended go on.
fn go_on_with_moves<G: Guests>(handle: &Handle<G>, runtime: &runtime::Handle) {
    let driver = handle.clone();
    // Nobody needs to know if the host stops first: moves go on when it starts again.
    runtime.spawn(async move { drop(driver.drive_moves().await) });
}

/// What runs handlers, and what asks the owners of half messages.
fn workers<G: Guests>(
    (guests, check_back, runtime): (Arc<G>, Arc<dyn CheckBack>, runtime::Handle),
    context: RunContext,
    wires: &Wires,
    metrics: &Metrics,
) -> (Deliverer<G>, Checker<G>) {
    let engine = wires.engine.0.clone();
    let deliverer = Deliverer {
        guests: guests.clone(),
        context: context.into(),
        engine: engine.clone(),
        runtime: runtime.clone(),
        metrics: metrics.clone(),
        observed: Vec::new(),
    };
    let checker = Checker {
        guests,
        check_back,
        engine,
        runtime,
    };
    (deliverer, checker)
}

/// Starts the three threads.
fn threads<G: Guests>(
    engine_loop: EngineLoop<G>,
    (log, acquired): (impl Log, Acquired),
    (view, versioned): (Arc<impl View>, VersionedView),
    wires: Wires,
    metrics: &Metrics,
) -> Result<Stopper, StartError> {
    let commands = wires.engine.0;
    let committer = Committer {
        log,
        epoch: acquired.epoch,
        commands: wires.log.1,
        engine: commands.clone(),
        metrics: metrics.clone(),
    };
    let keeper = Keeper {
        view,
        commands: wires.view.1,
        engine: commands.clone(),
        sweeper: Sweeper::new(wires.snapshots.partitioner().count()),
        versioned,
        page_bytes: wires.page_bytes,
        metrics: metrics.clone(),
    };
    let (engine_commands, failure) = (wires.engine.1, engine_loop.failure());
    let threads = vec![
        spawn("log", move || committer.run(), report(&commands, "log"))?,
        spawn("view", move || keeper.run(), report(&commands, "view"))?,
        spawn(
            "engine",
            move || engine_loop.run(&engine_commands),
            move || drop(failure.send_replace(Some(panicked("engine")))),
        )?,
    ];
    Ok(Stopper { commands, threads })
}

/// Tells the engine that a thread panicked.
fn report(commands: &Sender<Command>, thread: &'static str) -> impl FnOnce() + Send + 'static {
    let commands = commands.clone();
    move || drop(commands.send(Command::Failed(panicked(thread))))
}

/// Blocks at which the log may be cut that an earlier process wrote, evenly spread.
fn cuts(log: &impl Log, acquired: Acquired) -> Result<VecDeque<Cut>, StartError> {
    let step = (acquired.next - acquired.first).div_ceil(CUTS_COUNT).max(1);
    let mut cuts = VecDeque::new();
    for block in (acquired.first..acquired.next).step_by(step as usize) {
        if let Some(bytes) = log.read(block)? {
            let Header { offset, at } = codec::header(&bytes)?;
            cuts.push_back(Cut {
                block,
                bytes: offset,
                at,
            });
        }
    }
    Ok(cuts)
}

fn panicked(thread: &str) -> String {
    format!("the {thread} thread panicked")
}

/// Starts a thread; `failed` is called if it panics, so that nobody waits for it for ever.
fn spawn(
    name: &str,
    body: impl FnOnce() + Send + 'static,
    failed: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        if catch_unwind(AssertUnwindSafe(body)).is_err() {
            failed();
        }
    })
}
