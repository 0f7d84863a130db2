//! What the engine's thread is told.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{self, Receiver, Sender};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::oneshot;
use wasmill_engine::{CheckRequest, Claimed, Engine, Meta, PageRef, Ticket, Verdict};
use wasmill_model::effects::{Delayed, Outcome};
use wasmill_model::{Message, Millis, Name, PartitionId, Routes};
use wasmill_port::store;

use crate::claims::Seen;
use crate::handle::{AcceptError, Receipt};
use crate::snapshots::Snapshots;

/// A command to the engine's thread.
pub(crate) enum Command {
    Accept(Box<Accept>),
    AcceptAll(AcceptAll),
    Completed {
        ticket: Ticket,
        outcomes: Vec<Outcome>,
    },
    Durable {
        blocks: u64,
    },
    PageLoaded {
        page: PageRef,
        bytes: Bytes,
    },
    TimersLoaded {
        partition: PartitionId,
        batch: Vec<Delayed>,
        complete: bool,
    },
    CheckpointDone {
        completes: Option<Meta>,
    },
    Checked {
        request: CheckRequest,
        verdict: Verdict,
    },
    Failed(String),
    SetRoutes {
        routes: Arc<Routes>,
        reply: oneshot::Sender<Result<(), String>>,
    },
    SetServing {
        plugin: Name,
        serving: bool,
        reply: oneshot::Sender<()>,
    },
    Operate(Operation),
    ReadLog {
        number: u64,
        reply: BlockSender,
    },
    Stop {
        reply: oneshot::Sender<()>,
    },
}

/// What an operator asks of the engine. What comes back is called once it is durable.
pub(crate) type Operation = Box<dyn FnOnce(&mut Engine, Millis) -> Box<dyn FnOnce() + Send> + Send>;

/// A message to take in.
pub(crate) struct Accept {
    pub(crate) incoming: wasmill_engine::Incoming,
    /// For how long what `incoming` says of its producer's id holds.
    pub(crate) seen: Option<Seen>,
    pub(crate) wait_for: Vec<Name>,
    pub(crate) reply: oneshot::Sender<Result<Receipt, AcceptError>>,
}

/// Messages to take in, in their order and without others between.
pub(crate) struct AcceptAll {
    /// With for how long what each says of its producer's id holds.
    pub(crate) all: Vec<(wasmill_engine::Incoming, Option<Seen>)>,
    pub(crate) reply: oneshot::Sender<Vec<Result<Receipt, AcceptError>>>,
}

/// Where a waiting caller hears of the outcome.
pub(crate) type OutcomeSender = oneshot::Sender<Arc<Message>>;

/// Where who reads the log gets a block; none if it was trimmed.
pub(crate) type BlockSender = oneshot::Sender<Result<Option<Bytes>, store::Error>>;

/// A command to the log's thread.
pub(crate) enum LogCommand {
    Append {
        number: u64,
        block: Vec<u8>,
    },
    Trim {
        before: u64,
    },
    /// Read a block that is durable.
    Read {
        number: u64,
        reply: BlockSender,
    },
}

/// A command to the view's thread.
pub(crate) enum ViewCommand {
    WritePage {
        key: Vec<u8>,
        bytes: Vec<u8>,
    },
    LoadPage {
        page: PageRef,
    },
    LoadTimers {
        partition: PartitionId,
        after: Vec<u8>,
        limit: usize,
    },
    Checkpoint(Box<Write>),
    /// Look a producer's id up again, and come back.
    LookUp(Box<Accept>),
    /// Look the producers' ids up again, and come back.
    LookUpAll(AcceptAll),
}

/// A checkpoint, as it is written.
pub(crate) struct Write {
    pub(crate) partitions: Range<u16>,
    pub(crate) blind: Vec<store::Change>,
    pub(crate) atomic: Vec<store::Change>,
    pub(crate) completes: Option<Meta>,
    /// How many claims each partition has in it.
    pub(crate) claimed: Vec<Claimed>,
    /// Those are swept whose time had come by then.
    pub(crate) sealed_at: Millis,
}

/// The channels and counters between the threads.
pub(crate) struct Wires {
    pub(crate) engine: (Sender<Command>, Receiver<Command>),
    pub(crate) log: (Sender<LogCommand>, Receiver<LogCommand>),
    pub(crate) view: (Sender<ViewCommand>, Receiver<ViewCommand>),
    pub(crate) snapshots: Arc<Snapshots>,
    /// Bytes of pages on their way to the view.
    pub(crate) page_bytes: Arc<AtomicUsize>,
}

impl Wires {
    pub(crate) fn new(partitions: u16) -> Self {
        Self {
            engine: mpsc::channel(),
            log: mpsc::channel(),
            view: mpsc::channel(),
            snapshots: Arc::new(Snapshots::new(partitions)),
            page_bytes: Arc::default(),
        }
    }
}

impl SubscriptionStatus {
    /// That of every subscription.
    pub(crate) fn all(engine: &Engine) -> Vec<Self> {
        let census = engine.census();
        let of = |(name, pending, running, dead_letters): (&Name, _, _, _)| Self {
            name: name.clone(),
            pending,
            running,
            dead_letters,
        };
        census.map(of).collect()
    }
}

/// The state of one subscription.
#[derive(Clone, Debug, Serialize)]
pub struct SubscriptionStatus {
    /// Its name.
    pub name: Name,
    /// Messages that wait, are parked or run.
    pub pending: u64,
    /// Runs under way.
    pub running: usize,
    /// Messages given up since the host started.
    pub dead_letters: u64,
}
