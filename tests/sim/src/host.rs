//! A simulated host: the engine with its three queues of work, each step taken by itself.
//!
//! It does what the service's threads do, in the same order, but when to append, when to write
//! the view and when a handler ends is the world's to choose.

mod intake;
mod runs;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::Rng;
use rand::rngs::StdRng;
use wasmill_engine::expiry::Expiry;
use wasmill_engine::{Action, Checkpoint, Engine, Write, claims, layout};
use wasmill_model::effects::{Delayed, Scope};
use wasmill_model::record::DeadLetter;
use wasmill_model::{Millis, PartitionId, Partitioner, Routes};
use wasmill_port::store::{Change, Log, View};
use wasmill_port::{Clock, RunContext, ScopeState, StateReader};
use wasmill_service::{ViewReader, recover};
use wasmill_store::{Memory, MemoryLog, MemoryView};

use crate::bank;
use crate::clock::SimClock;
use crate::sabotage::Sabotage;

pub(crate) use intake::LookedUp;

use runs::Runs;

/// Partitions of the simulated host: few, so that keys meet.
pub(crate) const PARTITIONS: u16 = 4;

/// The store failed: the host is dead until it restarts.
#[derive(Debug)]
pub(crate) struct Dead;

/// Work for the view, in order.
enum ViewWork {
    Write(Vec<u8>, Vec<u8>),
    Load(wasmill_engine::PageRef),
    LoadTimers {
        partition: PartitionId,
        after: Vec<u8>,
        limit: usize,
    },
    Checkpoint(Checkpoint),
}

/// One life of a host, from a start to a crash.
pub(crate) struct Host {
    engine: Engine,
    log: MemoryLog,
    view: Arc<MemoryView>,
    epoch: u64,
    clock: Arc<SimClock>,
    context: RunContext,
    view_work: VecDeque<ViewWork>,
    /// Sealed blocks, from number `durable` on.
    appending: VecDeque<Vec<u8>>,
    durable: u64,
    checkpointing: bool,
    /// A checkpoint that waits for its blocks. Other work on the view overtakes it.
    waiting: Option<Checkpoint>,
    runs: Runs,
    /// How many checkpoints each partition began and ended.
    versions: [u64; PARTITIONS as usize],
    sabotage: Sabotage,
}

impl Host {
    /// Starts on what `store` holds.
    pub(crate) fn start(
        store: &Memory,
        clock: Arc<SimClock>,
        routes: &Arc<Routes>,
        sabotage: Sabotage,
    ) -> Result<Self, Dead> {
        let (mut log, view) = store.open();
        let view = Arc::new(view);
        let acquired = log.acquire().map_err(|_| Dead)?;
        let config = wasmill_engine::Config {
            partitions: PARTITIONS,
            run_count_max: 3,
            ..wasmill_engine::Config::default()
        };
        let engine = recover(config, routes, &log, acquired, &*view, clock.now());
        let recovered = engine.map_err(|error| {
            let text = error.to_string();
            assert!(
                !text.contains("restore the data directory"),
                "recovery found damage: {text}"
            );
            Dead
        })?;
        let mut engine = recovered.engine;
        clock.raise(engine.now());
        engine.set_serving(&bank::PLUGIN.into(), true);
        let partitioner = Partitioner::new(PARTITIONS);
        let reader = Arc::new(ViewReader {
            view: view.clone(),
            partitioner,
        });
        Ok(Self {
            engine,
            log,
            view,
            epoch: acquired.epoch,
            context: RunContext {
                routes: routes.clone(),
                reader,
                clock: clock.clone(),
                preparer: None,
            },
            clock,
            view_work: VecDeque::new(),
            appending: VecDeque::new(),
            durable: acquired.next,
            checkpointing: false,
            waiting: None,
            runs: Runs::default(),
            versions: [0; PARTITIONS as usize],
            sabotage,
        })
    }

    /// Blocks that are durable.
    pub(crate) fn durable(&self) -> u64 {
        let sealed = self.engine.sealed_blocks();
        self.sabotage.durable(self.durable, sealed)
    }

    /// Pauses the plugin, or puts it back into service.
    pub(crate) fn set_serving(&mut self, serving: bool) {
        self.engine.set_serving(&bank::PLUGIN.into(), serving);
        self.collect();
    }

    /// Does what has fallen due.
    pub(crate) fn tick(&mut self) {
        let now = self.clock.now() + Duration::from_millis(self.sabotage.ahead());
        if self.engine.wake() <= now {
            self.engine.tick(now);
            self.collect();
        }
    }

    /// Seals what was committed, if the log is free; false if there was nothing to do.
    pub(crate) fn seal(&mut self) -> bool {
        if self.appending.is_empty() {
            self.appending = self.engine.seal().1.into();
            return !self.appending.is_empty();
        }
        false
    }

    /// Appends a sealed block; false if there is none.
    pub(crate) fn append(&mut self) -> Result<bool, Dead> {
        let Some(block) = self.appending.pop_front() else {
            return Ok(false);
        };
        self.log
            .append(self.epoch, self.durable, self.sabotage.append(&block))
            .map_err(|_| Dead)?;
        self.durable += 1;
        self.pass_checkpoint_on();
        Ok(true)
    }

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
    fn pass_checkpoint_on(&mut self) {
        let durable = self.durable;
        if let Some(checkpoint) = self.waiting.take_if(|it| it.barrier <= durable) {
            self.view_work.push_back(ViewWork::Checkpoint(checkpoint));
        }
    }

    /// Does the next piece of work on the view; false if there is none that can be done.
    pub(crate) fn work_on_view(&mut self, rng: &mut StdRng) -> Result<bool, Dead> {
        let Some(work) = self.view_work.pop_front() else {
            return Ok(false);
        };
        match work {
            ViewWork::Write(key, bytes) => self.write(vec![Change::put(key, bytes.into())])?,
            ViewWork::Load(page) => {
                let number = page.number;
                let key = layout::page(page.partition, &page.subscription, &page.queue, number);
                let bytes = self.view.get(&key).map_err(|_| Dead)?;
                let bytes = bytes.unwrap_or_else(|| panic!("{page:?} is missing"));
                self.engine
                    .page_loaded(&page, &bytes)
                    .expect("a page of ours");
                self.collect();
            }
            ViewWork::LoadTimers {
                partition,
                after,
                limit,
            } => {
                let entries = self.view.scan(&layout::timers(partition), &after, limit);
                let entries = entries.map_err(|_| Dead)?;
                let complete = entries.len() < limit;
                let decode = |bytes: &Bytes| -> Delayed {
                    wasmill_engine::codec::decode(bytes).expect("a timer of ours")
                };
                let batch = entries.iter().map(|(_, value)| decode(value)).collect();
                self.engine.timers_loaded(partition, batch, complete);
                self.collect();
            }
            ViewWork::Checkpoint(checkpoint) => self.write_checkpoint(checkpoint, rng)?,
        }
        Ok(true)
    }

    /// Whether nothing is left to be done but what the clock brings.
    pub(crate) fn is_quiet(&self) -> bool {
        self.runs.is_empty()
            && self.appending.is_empty()
            && !self.engine.has_unsealed()
            && self.view_work.is_empty()
            && self.waiting.is_none()
    }

    /// Whether no message waits, and no timer.
    pub(crate) fn is_settled(&self) -> bool {
        let idle = self.engine.wake() > self.clock.now() + Duration::from_secs(30);
        let undecided = self.engine.half_census().0;
        self.is_quiet()
            && idle
            && undecided == 0
            && self.engine.census().all(|(_, pending, ..)| pending == 0)
    }

    /// A state entry of an account, as its next handler would see it.
    pub(crate) fn state(&self, key: &str, name: &str) -> Option<Bytes> {
        let scope = Scope {
            plugin: bank::PLUGIN.into(),
            key: key.into(),
        };
        let recent = self.engine.recent(&scope);
        let reader: Arc<dyn StateReader> = self.context.reader.clone();
        ScopeState::new(scope, recent, reader)
            .get(name)
            .expect("the store works at the end")
    }

    /// Dead letters in the view.
    pub(crate) fn dead_letters(&self) -> usize {
        let found = self
            .view
            .scan(b"x", b"x", usize::MAX)
            .expect("the store works at the end");
        let decode = |value: &Bytes| -> DeadLetter {
            wasmill_engine::codec::decode(value).expect("a dead letter of ours")
        };
        let seen: BTreeSet<_> = found.iter().map(|(_, it)| decode(it).message.id).collect();
        assert_eq!(seen.len(), found.len(), "no message is a dead letter twice");
        found.len()
    }

    fn write_checkpoint(
        &mut self,
        mut checkpoint: Checkpoint,
        rng: &mut StdRng,
    ) -> Result<(), Dead> {
        self.sabotage.checkpoint(&mut checkpoint.blind);
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
                self.log.trim(meta.next_block).map_err(|_| Dead)?;
            }
        }
        for partition in checkpoint.partitions.clone() {
            self.sweep(PartitionId(partition), checkpoint.sealed_at)?;
        }
        self.outdate(checkpoint.partitions);
        self.engine.end_checkpoint();
        self.checkpointing = false;
        Ok(())
    }

    /// Deletes the claims whose time is over: those of producers, and those in keys' states.
    fn sweep(&self, partition: PartitionId, now: Millis) -> Result<(), Dead> {
        let prefix = layout::claims(partition);
        let entries = self.view.scan(&prefix, &prefix, usize::MAX);
        let entries = entries.map_err(|_| Dead)?;
        let entries = entries.iter().map(|(key, value)| (&key[..], &value[..]));
        let mut writes = claims::sweep(entries, now).expect("claims of ours");
        let prefix = layout::expiries(partition);
        let expiries = self.view.scan(&prefix, &prefix, usize::MAX);
        for (key, _) in expiries.map_err(|_| Dead)? {
            let expiry = Expiry::read(&key).expect("an expiry of ours");
            if expiry.is_over(now) {
                let value = self.view.get(expiry.claim()).map_err(|_| Dead)?;
                writes.extend(expiry.sweep(value.as_deref(), self.sabotage.sweep(now)));
            }
        }
        let change = |Write { key, value }| Change { key, value };
        self.write(writes.into_iter().map(change).collect())
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), Dead> {
        self.view.write(changes).map_err(|_| Dead)
    }

    /// Takes the engine's actions as work to be done.
    fn collect(&mut self) {
        for action in self.engine.take_actions() {
            match action {
                Action::Run(request) => self.runs.waiting.push(request),
                Action::Check(request) => self.runs.checks.push(request),
                Action::WritePage(page, bytes) => {
                    let key =
                        layout::page(page.partition, &page.subscription, &page.queue, page.number);
                    self.view_work.push_back(ViewWork::Write(key, bytes));
                }
                Action::LoadPage(page) => self.view_work.push_back(ViewWork::Load(page)),
                Action::LoadTimers {
                    partition,
                    after,
                    limit,
                } => {
                    let after = Engine::timer_key(partition, after);
                    self.view_work.push_back(ViewWork::LoadTimers {
                        partition,
                        after,
                        limit,
                    });
                }
                Action::Watched(_) | Action::Buried(_) => {}
            }
        }
    }
}
