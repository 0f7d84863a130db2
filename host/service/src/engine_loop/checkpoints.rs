//! When the view catches up with the log, when the log is trimmed, and when a host may stop.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use wasmill_engine::Write;
use wasmill_model::Millis;
use wasmill_port::Guests;
use wasmill_port::store::Change;

use super::EngineLoop;
use crate::command::{LogCommand, ViewCommand};
use crate::start::Retention;

/// Bytes of log after which the view catches up: bounds memory and the time of a recovery.
const CHECKPOINT_BYTES: u64 = 8 << 20;
/// How long the view may stay behind a log that grows slowly.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// The checkpoints taken, and the one under way.
pub(crate) struct Checkpoints {
    retention: Retention,
    /// Waits for its barrier, or is being written.
    pending: Option<Pending>,
    taken_at: Instant,
    taken_bytes: u64,
    taken_block: u64,
    /// Blocks at which the log may be cut, in their order.
    cuts: VecDeque<Cut>,
}

struct Pending {
    barrier: u64,
    bytes: u64,
    /// Taken when it is handed to the view's thread.
    command: Option<ViewCommand>,
}

/// A block before which the log may be cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// The block.
    pub(crate) block: u64,
    /// Bytes of all blocks before it.
    pub(crate) bytes: u64,
    /// When it, or the one before it, was written.
    pub(crate) at: Millis,
}

impl Checkpoints {
    /// No checkpoint is under way; the view holds everything before the block and the log's
    /// bytes of `view`. `cuts` are blocks of the log, in their order.
    pub(crate) fn new(retention: Retention, view: (u64, u64), cuts: VecDeque<Cut>) -> Self {
        let (view_block, view_bytes) = view;
        Self {
            retention,
            pending: None,
            taken_at: Instant::now(),
            taken_bytes: view_bytes,
            taken_block: view_block,
            cuts,
        }
    }

    /// How long until a checkpoint may be due.
    pub(super) fn patience(&self, barrier: u64) -> Duration {
        if barrier <= self.taken_block || self.pending.is_some() {
            return Duration::MAX;
        }
        CHECKPOINT_INTERVAL
            .saturating_sub(self.taken_at.elapsed())
            .max(Duration::from_millis(1))
    }

    fn is_due(&self, barrier: u64, log_bytes: u64) -> bool {
        let behind = barrier > self.taken_block;
        let bytes = log_bytes - self.taken_bytes;
        behind && (bytes >= CHECKPOINT_BYTES || self.taken_at.elapsed() >= CHECKPOINT_INTERVAL)
    }

    /// The block before which the log may be trimmed: what is kept stays within bounds.
    fn cut(&mut self, now: Millis, log_bytes: u64) -> Option<u64> {
        let Retention { bytes_max, age_max } = self.retention;
        let mut cut = None;
        while let Some(oldest) = self.cuts.front()
            && (log_bytes - oldest.bytes > bytes_max || now.since(oldest.at) > age_max)
        {
            cut = self.cuts.pop_front().map(|oldest| oldest.block);
        }
        cut
    }
}

impl<G: Guests> EngineLoop<G> {
    /// Begins a checkpoint if one is due, and goes on with one whose blocks are durable.
    pub(super) fn checkpoint(&mut self) {
        if let Some(pending) = &mut self.checkpoints.pending {
            if pending.barrier <= self.durable
                && let Some(command) = pending.command.take()
            {
                self.ask_view(command);
            }
            return;
        }
        let barrier = self.engine.barrier();
        let stopping = self.state.stopping.is_some() && self.engine.runs() == 0;
        let due = self.checkpoints.is_due(barrier, self.engine.log_bytes())
            || (stopping && barrier > self.checkpoints.taken_block);
        // Only between blocks: a record must be all in the checkpoint or not at all.
        if due && !self.engine.has_open_block() {
            self.begin_checkpoint();
        }
    }

    fn begin_checkpoint(&mut self) {
        let checkpoint = self.engine.begin_checkpoint();
        // Its pages go to the view's thread before it, and so are written before it.
        self.perform_actions();
        let changes = |writes: Vec<Write>| {
            writes
                .into_iter()
                .map(|Write { key, value }| Change { key, value })
                .collect()
        };
        let command = ViewCommand::Checkpoint {
            blind: changes(checkpoint.blind),
            atomic: changes(checkpoint.atomic),
            next_block: checkpoint.barrier,
        };
        self.begun.fetch_add(1, Ordering::AcqRel);
        let bytes = self.engine.log_bytes();
        self.checkpoints.pending = Some(Pending {
            barrier: checkpoint.barrier,
            bytes,
            command: Some(command),
        });
        self.checkpoints.taken_at = Instant::now();
        self.checkpoint();
    }

    pub(super) fn checkpointed(&mut self, next_block: u64) {
        self.engine.end_checkpoint();
        let Some(pending) = self.checkpoints.pending.take() else {
            return;
        };
        let (now, bytes) = (self.clock.now(), pending.bytes);
        self.checkpoints.taken_block = next_block;
        self.checkpoints.taken_bytes = bytes;
        self.checkpoints.cuts.push_back(Cut {
            block: next_block,
            bytes,
            at: now,
        });
        if let Some(before) = self.checkpoints.cut(now, bytes) {
            // The log's thread has ended only after it reported a failure.
            let _ = self.log.send(LogCommand::Trim { before });
        }
    }

    /// Whether a stopping host has nothing left to do.
    pub(super) fn stop_if_drained(&mut self) -> ControlFlow<()> {
        let Some(stopping) = &self.state.stopping else {
            return ControlFlow::Continue(());
        };
        let committed = self.engine.barrier() <= self.durable;
        let kept = self.checkpoints.pending.is_none()
            && self.checkpoints.taken_block >= self.engine.barrier();
        let drained = self.engine.runs() == 0 && committed && kept;
        if !drained && Instant::now() < stopping.deadline {
            return ControlFlow::Continue(());
        }
        if !committed {
            let cause = "the host stopped before the log answered: ask again";
            self.state.replies.fail(cause);
        }
        if let Some(stopping) = self.state.stopping.take() {
            // Whoever asked may have gone.
            let _ = stopping.reply.send(());
        }
        ControlFlow::Break(())
    }
}
