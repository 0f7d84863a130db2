//! The floor: guest calls in a bare loop on every core, their effects in blocks appended to the
//! log. No engine, no queues, no HTTP: what wasmtime and the disk leave to be had.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use wasmill_engine::codec::{BlockBuilder, Header};
use wasmill_model::effects::{Effects, Scope};
use wasmill_model::{Message, MessageId, Millis, Name, Op, PartitionId, Record};
use wasmill_port::store::{Error, Log};
use wasmill_port::{Delivery, Guests, Run, RunContext, StateReader};
use wasmill_service::SystemClock;
use wasmill_store::{DataDir, Options, Settings, Sled};

use crate::host::{PLUGIN, guests, routes};

/// Calls in one run.
pub(crate) const RUN_COUNT: u64 = 32;
/// Records in one block, as many as a busy host has in one.
const BLOCK_COUNT: usize = 1_024;

/// Calls a second.
pub(crate) async fn measure(count: u64) -> Result<f64> {
    let directory = tempfile::Builder::new().prefix("wasmill-bench").tempdir()?;
    let dir = DataDir::open(directory.path(), Settings::default())?;
    let (log, _view) = Sled::open(&dir, &Options::default())?;
    let guests = guests(directory.path()).await?;
    let (records, committed) = mpsc::sync_channel(8_192);
    let committer = thread::spawn(move || commit(log, &committed));

    let workers = thread::available_parallelism()?.get() as u64;
    let begun = Instant::now();
    let tasks: Vec<_> = (0..workers)
        .map(|worker| {
            let (guests, records) = (guests.clone(), records.clone());
            tokio::spawn(async move {
                for _ in 0..count / workers / RUN_COUNT {
                    for outcome in guests.handle(run(worker)).await {
                        let effects = outcome.result.expect("the guest behaves");
                        records
                            .send(record(worker, effects))
                            .expect("the log's thread lives");
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.context("a worker")?;
    }
    drop(records);
    let blocks = committer.join().expect("the log's thread")?;
    let rate = (blocks * BLOCK_COUNT) as f64 / begun.elapsed().as_secs_f64();
    Ok(rate.round())
}

/// Appends blocks until there are no more records; returns how many.
fn commit(mut log: impl Log, records: &mpsc::Receiver<Record>) -> Result<usize> {
    let acquired = log.acquire()?;
    let (mut block, mut count, mut number) = (BlockBuilder::new(), 0, acquired.next);
    for record in records {
        block.push(&record);
        count += 1;
        if count % BLOCK_COUNT == 0 {
            log.append(
                acquired.epoch,
                number,
                &block.seal(Header {
                    offset: 0,
                    at: Millis(0),
                }),
            )?;
            number += 1;
        }
    }
    Ok(count / BLOCK_COUNT)
}

/// A run of the plugin that is measured.
pub(crate) fn run(worker: u64) -> Run {
    run_of(PLUGIN, worker, RUN_COUNT)
}

/// A run of a plugin with so many messages.
pub(crate) fn run_of(plugin: &str, worker: u64, count: u64) -> Run {
    let key: Name = format!("key-{worker}").into();
    let message = Arc::new(Message {
        id: MessageId(1),
        topic: "in".into(),
        key: Some(key.clone()),
        tag: None,
        headers: Vec::new(),
        body: Bytes::from_static(&[b'x'; 100]),
        produced_at: Millis(0),
        correlation: MessageId(1),
        causation: None,
        timer: None,
    });
    let delivery = Delivery {
        subscription: "counter".into(),
        key: Some(key),
        message,
        attempt: 1,
    };
    let deliveries = vec![delivery; count as usize];
    let context = RunContext {
        preparer: None,
        routes: Arc::new(routes()),
        reader: Arc::new(Empty),
        clock: Arc::new(SystemClock::default()),
    };
    Run::new(
        context,
        plugin.into(),
        deliveries,
        Arc::default(),
        Duration::from_secs(1),
    )
}

/// The record that the engine would make of the effects.
fn record(worker: u64, effects: Effects) -> Record {
    let key: Name = format!("key-{worker}").into();
    let scope = Scope {
        plugin: PLUGIN.into(),
        key: key.clone(),
    };
    let mut ops = vec![
        Op::Settle {
            subscription: "counter".into(),
            key: Some(key),
            seq: 0,
        },
        Op::State {
            scope,
            writes: effects.writes,
        },
    ];
    let sends = effects.sends.into_iter();
    ops.extend(sends.map(|it| Op::Deliver {
        seq: 0,
        message: it.message,
        targets: it.targets,
    }));
    Record {
        partition: PartitionId(0),
        position: 0,
        ops,
    }
}

/// A view with nothing in it.
pub(crate) struct Empty;

impl StateReader for Empty {
    fn get(&self, _: &Scope, _: &str) -> Result<Option<Bytes>, Error> {
        Ok(None)
    }

    fn scan(
        &self,
        _: &Scope,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> Result<Vec<(Name, Bytes)>, Error> {
        Ok(Vec::new())
    }
}
