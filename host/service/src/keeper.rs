//! The view's thread: pages, timers and checkpoints, strictly in the order asked for.
//!
//! The order matters: a page is read after it was written, and a load of timers that began
//! before a checkpoint is reported before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use wasmill_engine::layout;
use wasmill_model::PartitionId;
use wasmill_model::effects::Delayed;
use wasmill_port::store::{Change, View};

use crate::command::{Command, ViewCommand};
use crate::metrics::Metrics;
use crate::snapshots::VersionedView;
use crate::sweeper::Sweeper;

/// Blind writes that go to the view at once, so that a checkpoint does not hold up the log.
const SLICE_COUNT: usize = 256;

/// What the view's thread owns.
pub(crate) struct Keeper<V> {
    pub(crate) view: Arc<V>,
    pub(crate) commands: Receiver<ViewCommand>,
    pub(crate) engine: Sender<Command>,
    pub(crate) versioned: VersionedView,
    pub(crate) sweeper: Sweeper,
    /// Bytes of pages on their way here: counted down as they are written.
    pub(crate) page_bytes: Arc<AtomicUsize>,
    pub(crate) metrics: Metrics,
}

impl<V: View> Keeper<V> {
    /// Serves until the channel closes or the view fails.
    pub(crate) fn run(mut self) {
        while let Ok(command) = self.commands.recv() {
            // The engine's thread may have ended already; then nobody needs the answer.
            match self.serve(command) {
                Ok(Some(answer)) => drop(self.engine.send(answer)),
                Ok(None) => {}
                Err(cause) => return drop(self.engine.send(Command::Failed(cause))),
            }
        }
    }

    fn serve(&mut self, command: ViewCommand) -> Result<Option<Command>, String> {
        let view = &*self.view;
        match command {
            ViewCommand::WritePage { key, bytes } => {
                let count = bytes.len();
                let written = write_page(view, key, bytes);
                self.page_bytes.fetch_sub(count, Ordering::Relaxed);
                written
            }
            ViewCommand::LoadPage { page } => load_page(view, page).map(Some),
            ViewCommand::LoadTimers {
                partition,
                after,
                limit,
            } => load_timers(view, partition, &after, limit).map(Some),
            ViewCommand::Checkpoint(write) => {
                let _timer = self.metrics.checkpoint_timer();
                let completes = write.completes;
                let partitions = write.partitions.clone();
                checkpoint(view, write.blind, write.atomic, completes.is_some())?;
                let swept = self
                    .sweeper
                    .sweep(view, partitions, &write.claimed, write.sealed_at);
                swept.map_err(|error| format!("forgetting claims: {error}"))?;
                Ok(Some(Command::CheckpointDone { completes }))
            }
            ViewCommand::LookUp(mut accept) => {
                let seen = self.versioned.look_up(&mut accept.incoming);
                accept.seen = seen.map_err(|error| format!("reading a producer's id: {error}"))?;
                Ok(Some(Command::Accept(accept)))
            }
            ViewCommand::LookUpAll(mut batch) => {
                for (incoming, seen) in &mut batch.all {
                    let again = self.versioned.look_up(incoming);
                    *seen = again.map_err(|error| format!("reading a producer's id: {error}"))?;
                }
                Ok(Some(Command::AcceptAll(batch)))
            }
        }
    }
}

fn write_page(view: &impl View, key: Vec<u8>, bytes: Vec<u8>) -> Result<Option<Command>, String> {
    view.write(vec![Change::put(key, bytes.into())])
        .map_err(|error| format!("writing a page of a queue: {error}"))?;
    Ok(None)
}

fn load_page(view: &impl View, page: wasmill_engine::PageRef) -> Result<Command, String> {
    let key = layout::page(page.partition, &page.subscription, &page.queue, page.number);
    let name = || {
        format!(
            "page {} of subscription `{}`",
            page.number, page.subscription
        )
    };
    let bytes = view
        .get(&key)
        .map_err(|error| format!("reading {}: {error}", name()))?
        .ok_or_else(|| format!("{} is missing from the store", name()))?;
    Ok(Command::PageLoaded { page, bytes })
}

fn load_timers(
    view: &impl View,
    partition: PartitionId,
    after: &[u8],
    limit: usize,
) -> Result<Command, String> {
    let entries = view
        .scan(&layout::timers(partition), after, limit)
        .map_err(|error| format!("reading timers of partition {partition}: {error}"))?;
    let complete = entries.len() < limit;
    let batch: Result<Vec<Delayed>, _> = entries
        .iter()
        .map(|(_, value)| postcard::from_bytes(value))
        .collect();
    let batch =
        batch.map_err(|error| format!("a timer of partition {partition} is damaged: {error}"))?;
    Ok(Command::TimersLoaded {
        partition,
        batch,
        complete,
    })
}

fn checkpoint(
    view: &impl View,
    mut blind: Vec<Change>,
    atomic: Vec<Change>,
    durably: bool,
) -> Result<(), String> {
    // In the order of keys neighbours share pages of the store.
    // A stable sort: of two changes of one key the later one must win.
    blind.sort_by(|a, b| a.key.cmp(&b.key));
    let mut rest = blind.into_iter().peekable();
    while rest.peek().is_some() {
        let slice = rest.by_ref().take(SLICE_COUNT).collect();
        view.write(slice)
            .map_err(|error| format!("writing a checkpoint: {error}"))?;
    }
    let done = match durably {
        true => view.checkpoint(atomic),
        false => view.commit(atomic),
    };
    done.map_err(|error| format!("completing a checkpoint: {error}"))
}
