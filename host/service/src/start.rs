//! Starting and stopping the services.

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime;
use tokio::sync::{oneshot, watch};
use wasmill_engine::Corrupt;
use wasmill_engine::codec::DecodeError;
use wasmill_model::{Name, Partitioner, Routes};
use wasmill_port::store::{self, BlockNumber, Log, View};
use wasmill_port::{Clock, Guests, RunContext};

use crate::command::Command;
use crate::delivery::Deliverer;
use crate::engine_loop::{Checkpoints, EngineLoop, LoopState};
use crate::handle::{Handle, InFlight, Shared};
use crate::metrics::Metrics;
use crate::recovery::recover;
use crate::state::ViewReader;
use crate::{committer, keeper};

/// How the services run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Config {
    /// The engine's.
    pub engine: wasmill_engine::Config,
    /// What is kept of the log behind the last checkpoint.
    pub retention: Retention,
}

/// What is kept of the log behind the last checkpoint; whichever bound is passed first counts.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Bytes of blocks.
    pub bytes_max: u64,
    /// Age of blocks.
    pub age_max: Duration,
}

impl Default for Retention {
    /// 256 MiB, and 72 h as RocketMQ.
    fn default() -> Self {
        Self {
            bytes_max: 256 << 20,
            age_max: Duration::from_secs(72 * 3600),
        }
    }
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
    /// A page of a queue does not read back.
    #[error("a page of a queue is damaged: {0}; restore the data directory from a copy")]
    Page(#[from] DecodeError),
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
    let Parts {
        mut log,
        view,
        guests,
        clock,
        routes,
        metrics,
        runtime,
    } = parts;
    let (view, routes) = (Arc::new(view), Arc::new(routes));
    let acquired = log.acquire()?;
    let engine = recover(config.engine, &routes, &log, acquired, &*view, clock.now())?;
    clock.raise(engine.now());

    let (engine_sender, engine_commands) = mpsc::channel();
    let (log_sender, log_commands) = mpsc::channel();
    let (view_sender, view_commands) = mpsc::channel();
    let (failure_sender, failure) = watch::channel(None);
    let partitioner = Partitioner::new(config.engine.partitions);
    let reader = Arc::new(ViewReader {
        view: view.clone(),
        partitioner,
    });

    let engine_loop = EngineLoop {
        checkpoints: Checkpoints::new(config.retention, acquired.next, engine.log_bytes()),
        engine,
        deliverer: Deliverer {
            guests: guests.clone(),
            context: RunContext {
                routes: routes.clone(),
                reader: reader.clone(),
                clock: clock.clone(),
            },
            engine: engine_sender.clone(),
            runtime,
        },
        clock,
        log: log_sender,
        view: view_sender,
        metrics: metrics.clone(),
        failure: failure_sender,
        durable: acquired.next,
        state: LoopState::default(),
    };

    let (log_metrics, log_answers) = (metrics.clone(), engine_sender.clone());
    let view_answers = engine_sender.clone();
    let threads = vec![
        spawn("engine", move || engine_loop.run(&engine_commands))?,
        spawn("log", move || {
            committer::run(
                log,
                acquired.epoch,
                &log_commands,
                &log_answers,
                &log_metrics,
            );
        })?,
        spawn("view", move || {
            keeper::run(&view, &view_commands, &view_answers, &metrics);
        })?,
    ];

    let shared = Shared {
        commands: engine_sender.clone(),
        guests,
        reader,
        routes: ArcSwap::new(routes),
        in_flight: InFlight::default(),
        failure,
    };
    let handle = Handle {
        shared: Arc::new(shared),
    };
    Ok((
        handle,
        Stopper {
            commands: engine_sender,
            threads,
        },
    ))
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(body)
}
