//! When the view catches up with the log, when the log is trimmed, and when a host may stop.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use wasmill_engine::{Meta, Write};
use wasmill_model::Millis;
use wasmill_model::routes::LogRetention;
use wasmill_port::Guests;
use wasmill_port::store::Change;

use super::EngineLoop;
use crate::command::{self, LogCommand, ViewCommand};

/// Bytes of log over which a round of checkpoints is spread: bounds memory and the time of a
/// recovery.
const ROUND_BYTES: u64 = 16 << 20;
/// Most partitions of one checkpoint, however late the round is; unless all waits for it.
const STEP_COUNT_MAX: u16 = 16;
/// How long a round takes over a log that grows slowly.
const ROUND_TIME: Duration = Duration::from_secs(5);

/// The checkpoints taken, and the one under way.
pub(crate) struct Checkpoints {
    retention: LogRetention,
    partitions: u16,
    /// The checkpoint that is being written, or waits for its blocks.
    pending: Option<Pending>,
    /// The round under way, or the last one to end.
    round: Round,
    /// The block with which a recovery would begin.
    taken_block: u64,
    /// Blocks at which the log may be cut, in their order.
    cuts: VecDeque<Cut>,
}

struct Pending {
    barrier: u64,
    partitions: Range<u16>,
    /// Taken when it is handed to the view's thread.
    command: Option<ViewCommand>,
}

/// How a round goes on: partition by partition, at the pace of the log or of the clock.
struct Round {
    /// When the one before it ended, and the log's bytes then.
    at: Instant,
    bytes: u64,
    /// Partitions done.
    done: u16,
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

impl Round {
    fn begin(log_bytes: u64) -> Self {
        Self {
            at: Instant::now(),
            bytes: log_bytes,
            done: 0,
        }
    }
}

impl Checkpoints {
    /// No checkpoint is under way: the view holds everything before block `taken_block`, and with
    /// it `taken_bytes` of the log. `cuts` are blocks of the log, in their order.
    pub(crate) fn new(
        retention: LogRetention,
        partitions: u16,
        (taken_block, taken_bytes): (u64, u64),
        cuts: VecDeque<Cut>,
    ) -> Self {
        Self {
            retention,
            partitions,
            pending: None,
            round: Round::begin(taken_bytes),
            taken_block,
            cuts,
        }
    }

    /// From now on the log is kept for this long.
    pub(super) fn keep(&mut self, retention: LogRetention) {
        self.retention = retention;
    }

    /// How long until a checkpoint may be due.
    pub(super) fn patience(&self, barrier: u64) -> Duration {
        if self.is_idle(barrier) || self.pending.is_some() {
            return Duration::MAX;
        }
        let next = ROUND_TIME * u32::from(self.round.done + 1) / u32::from(self.partitions);
        next.saturating_sub(self.round.at.elapsed())
            .max(Duration::from_millis(1))
    }

    /// How many partitions are due.
    fn due(&self, barrier: u64, log_bytes: u64) -> u16 {
        if self.is_idle(barrier) {
            return 0;
        }
        let all = u64::from(self.partitions);
        let by_bytes = (log_bytes - self.round.bytes) * all / ROUND_BYTES;
        let elapsed = self.round.at.elapsed().as_millis() as u64;
        let by_time = elapsed * all / ROUND_TIME.as_millis() as u64;
        let due = by_bytes.max(by_time).min(all) as u16;
        due.saturating_sub(self.round.done)
    }

    /// Whether the view has everything.
    fn is_idle(&self, barrier: u64) -> bool {
        self.round.done == 0 && barrier <= self.taken_block
    }

    /// The block before which the log may be trimmed: what is kept stays within bounds.
    /// What is yet to be replayed to a subscription stays.
    fn cut(&mut self, now: Millis, log_bytes: u64, floor: Option<u64>) -> Option<u64> {
        let LogRetention { bytes_max, age_max } = self.retention;
        let mut cut = None;
        while let Some(oldest) = self.cuts.front()
            && (log_bytes - oldest.bytes > bytes_max || now.since(oldest.at) > age_max)
            && floor.is_none_or(|floor| oldest.block <= floor)
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
        let (barrier, bytes) = (self.engine.barrier(), self.engine.log_bytes());
        let stopping = self.state.stopping.is_some() && self.engine.runs() == 0;
        let hurry = stopping || self.engine.is_behind();
        let due = match hurry && !self.checkpoints.is_idle(barrier) {
            true => self.checkpoints.partitions - self.checkpoints.round.done,
            false => self.checkpoints.due(barrier, bytes).min(STEP_COUNT_MAX),
        };
        // Only between blocks: a record must be all in the checkpoint or not at all.
        if due > 0 && !self.engine.has_unsealed() {
            self.begin_checkpoint(due);
        }
    }

    fn begin_checkpoint(&mut self, partitions: u16) {
        let checkpoint = self.engine.begin_checkpoint(partitions);
        self.checkpoints.round.done = checkpoint.partitions.end;
        // Its pages go to the view's thread before it, and so are written before it.
        self.perform_actions();
        if checkpoint.atomic.is_empty() && checkpoint.blind.is_empty() {
            return self.engine.end_checkpoint();
        }
        self.snapshots.outdate(checkpoint.partitions.clone());
        let changes = |writes: Vec<Write>| {
            writes
                .into_iter()
                .map(|Write { key, value }| Change { key, value })
                .collect()
        };
        let command = ViewCommand::Checkpoint(Box::new(command::Write {
            partitions: checkpoint.partitions.clone(),
            blind: changes(checkpoint.blind),
            atomic: changes(checkpoint.atomic),
            completes: checkpoint.completes,
            claimed: checkpoint.claimed,
            sealed_at: checkpoint.sealed_at,
        }));
        self.checkpoints.pending = Some(Pending {
            barrier: checkpoint.barrier,
            partitions: checkpoint.partitions,
            command: Some(command),
        });
        self.checkpoint();
    }

    /// A checkpoint is in the view; one that completes a round, durably.
    pub(super) fn checkpointed(&mut self, completes: Option<Meta>) {
        if let Some(pending) = self.checkpoints.pending.take() {
            self.snapshots.outdate(pending.partitions);
        }
        self.engine.end_checkpoint();
        let Some(Meta {
            next_block,
            log_bytes,
            ..
        }) = completes
        else {
            return;
        };
        let now = self.clock.now();
        self.checkpoints.round = Round::begin(self.engine.log_bytes());
        self.checkpoints.taken_block = next_block;
        self.checkpoints.cuts.push_back(Cut {
            block: next_block,
            bytes: log_bytes,
            at: now,
        });
        let floor = self.engine.replay_floor(self.durable);
        if let Some(before) = self.checkpoints.cut(now, log_bytes, floor) {
            tracing::debug!(before, next_block, log_bytes, "trimming the log");
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
