//! The view: pages, timers and checkpoints, one piece of work after the other.

use rand::Rng;
use rand::rngs::StdRng;
use wasmill_engine::expiry::Expiry;
use wasmill_engine::{Checkpoint, Write, claims, layout};
use wasmill_model::PartitionId;
use wasmill_port::store::{Change, Log, View};
use wasmill_service::ViewWorkError;

use super::{Dead, ForView, Host, PARTITIONS};

impl Host {
    /// Begins a checkpoint of so many partitions if none is under way and nothing is unsealed.
    pub(crate) fn begin_checkpoint(&mut self, partitions: u16) {
        if !self.checkpointing && !self.engine.has_unsealed() {
            self.checkpointing = true;
            let checkpoint = self.engine.begin_checkpoint(partitions);
            self.outdate(checkpoint.partitions.clone());
            self.collect();
            self.waiting = Some(checkpoint);
            self.pass_checkpoint_on();
        }
    }

    /// Once its blocks are durable, the checkpoint goes to the view.
    pub(super) fn pass_checkpoint_on(&mut self) {
        let durable = self.durable;
        if let Some(checkpoint) = self.waiting.take_if(|it| it.barrier <= durable) {
            self.view_work.push_back(ForView::Checkpoint(checkpoint));
        }
    }

    /// Does the next piece of work on the view; false if there is none that can be done.
    pub(crate) fn work_on_view(&mut self, rng: &mut StdRng) -> Result<bool, Dead> {
        let Some(work) = self.view_work.pop_front() else {
            return Ok(false);
        };
        match work {
            ForView::Asked(work) => {
                work.perform(&*self.view, &mut self.engine)
                    .map_err(|error| match error {
                        ViewWorkError::Store(_) => Dead,
                        damaged => panic!("{damaged}"),
                    })?;
                self.collect();
            }
            ForView::Checkpoint(checkpoint) => self.write_checkpoint(checkpoint, rng)?,
        }
        Ok(true)
    }

    fn write_checkpoint(
        &mut self,
        mut checkpoint: Checkpoint,
        rng: &mut StdRng,
    ) -> Result<(), Dead> {
        self.sabotage.checkpoint(&mut checkpoint);
        let change = |Write { key, value }| Change { key, value };
        let mut blind: Vec<_> = checkpoint.blind.into_iter().map(change).collect();
        while !blind.is_empty() {
            let rest = blind.split_off(rng.random_range(1..=blind.len()));
            self.write(blind)?;
            blind = rest;
        }
        let atomic = checkpoint.atomic.into_iter().map(change).collect();
        self.view.commit(atomic).map_err(|_| Dead)?;
        if let Some(meta) = checkpoint.completes {
            self.view.sync().map_err(|_| Dead)?;
            if rng.random_ratio(1, 2) {
                self.trim(meta.next_block)?;
            }
        }
        let (partitions, now) = (checkpoint.partitions, checkpoint.sealed_at);
        let view = self.sabotage.swept(&self.view);
        self.sweeper
            .sweep(&view, partitions.clone(), &checkpoint.claimed, now)
            .map_err(|_| Dead)?;
        self.swept_at = now;
        self.outdate(partitions);
        self.engine.end_checkpoint();
        self.checkpointing = false;
        self.collect();
        Ok(())
    }

    /// Trims the log, but for what is yet to be replayed.
    fn trim(&mut self, before: u64) -> Result<(), Dead> {
        let floor = self.engine.replay_floor(self.durable);
        let before = before.min(floor.unwrap_or(u64::MAX));
        self.log.trim(before).map_err(|_| Dead)?;
        self.log_first = self.log_first.max(before);
        Ok(())
    }

    /// Claims of the view whose time was over when the last sweep began.
    pub(crate) fn overdue_claims(&self) -> Result<usize, Dead> {
        let (mut count, now) = (0, self.swept_at);
        for partition in (0..PARTITIONS).map(PartitionId) {
            let prefix = layout::claims(partition);
            let claims = self.view.scan(&prefix, &prefix, usize::MAX);
            let claims = claims.map_err(|_| Dead)?.into_iter();
            let claims = claims.map(|(_, value)| claims::read(&value).expect("a claim of ours"));
            count += claims.filter(|claim| claim.expires <= now).count();
            let prefix = layout::expiries(partition);
            let expiries = self.view.scan(&prefix, &prefix, usize::MAX);
            let expiries = expiries.map_err(|_| Dead)?.into_iter();
            let expiries = expiries.map(|(key, _)| Expiry::read(&key).expect("an expiry of ours"));
            count += expiries.filter(|expiry| expiry.is_over(now)).count();
        }
        Ok(count)
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), Dead> {
        self.view.write(changes).map_err(|_| Dead)
    }
}
