//! What durability costs here: appends by size, checkpoints by number of changes, and appends
//! beside checkpoints. `cargo run --release -p wasmill-store --example append_cost [DIRECTORY]`

use std::{
    env,
    error::Error,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use wasmill_port::store::{Change, Log, View};
use wasmill_store::{DataDir, Options, Settings, Sled, SledLog, SledView};

const RUN: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn Error>> {
    let parent = env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let scratch = tempfile::tempdir_in(Path::new(&parent))?;
    for kilobytes in [4, 50, 500] {
        let (mut log, _view) = open(scratch.path(), &format!("append-{kilobytes}"))?;
        let latencies = append_for(&mut log, kilobytes * 1000, || false)?;
        report(&format!("append {kilobytes} kB"), kilobytes, latencies);
    }
    for changes in [1, 1_000, 10_000] {
        let (_log, view) = open(scratch.path(), &format!("checkpoint-{changes}"))?;
        time_checkpoints(&view, changes)?;
    }
    for changes in [1_000, 10_000] {
        beside(
            scratch.path(),
            &format!("checkpoint of {changes}"),
            |view, round| {
                view.checkpoint(puts(changes, round))?;
                thread::sleep(Duration::from_millis(500));
                Ok(())
            },
        )?;
    }
    beside(
        scratch.path(),
        "write of 10000 in slices of 500",
        |view, round| {
            for slice in puts(10_000, round).chunks(500) {
                view.write(slice.to_vec())?;
            }
            view.checkpoint(puts(1, round))?;
            thread::sleep(Duration::from_millis(500));
            Ok(())
        },
    )?;
    beside(scratch.path(), "write of a 40 kB page", |view, round| {
        let key = format!("page/{:06}", round % 1_000).into_bytes();
        view.write(vec![Change::put(key, noise(40_000, round))])?;
        thread::sleep(Duration::from_millis(5));
        Ok(())
    })
}

fn open(parent: &Path, name: &str) -> Result<(SledLog, SledView), Box<dyn Error>> {
    let dir = DataDir::open(parent.join(name), Settings::default())?;
    Ok(Sled::open(&dir, &Options::default())?)
}

fn append_for(
    log: &mut SledLog,
    bytes: usize,
    done: impl Fn() -> bool,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let acquired = log.acquire()?;
    let (mut latencies, begin) = (Vec::new(), Instant::now());
    for number in acquired.next.. {
        if begin.elapsed() > RUN || done() {
            break;
        }
        let block = noise(bytes, number);
        let start = Instant::now();
        log.append(acquired.epoch, number, &block)?;
        latencies.push(start.elapsed());
    }
    Ok(latencies)
}

fn time_checkpoints(view: &SledView, changes: u64) -> Result<(), Box<dyn Error>> {
    let mut latencies = Vec::new();
    let begin = Instant::now();
    for round in 0.. {
        if begin.elapsed() > RUN {
            break;
        }
        let batch = puts(changes, round);
        let start = Instant::now();
        view.checkpoint(batch)?;
        latencies.push(start.elapsed());
    }
    report(
        &format!("checkpoint of {changes}"),
        usize::try_from(changes)? / 5,
        latencies,
    );
    Ok(())
}

/// Appends 50 kB blocks while another thread does `work` over and over.
fn beside(
    parent: &Path,
    what: &str,
    work: impl Fn(&SledView, u64) -> Result<(), wasmill_port::store::Error> + Sync,
) -> Result<(), Box<dyn Error>> {
    let (mut log, view) = open(parent, what)?;
    let stop = AtomicBool::new(false);
    let (latencies, rounds) = thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let mut round = 0;
            while !stop.load(Ordering::Relaxed) {
                work(&view, round)?;
                round += 1;
            }
            Ok::<_, wasmill_port::store::Error>(round)
        });
        let latencies = append_for(&mut log, 50_000, || worker.is_finished());
        stop.store(true, Ordering::Relaxed);
        (latencies, worker.join().expect("the worker does not panic"))
    });
    report(
        &format!("append 50 kB beside {} x {what}", rounds?),
        50,
        latencies?,
    );
    Ok(())
}

/// State as the engine checkpoints it: sorted keys, 200 bytes each, some of a million.
fn puts(count: u64, round: u64) -> Vec<Change> {
    let mut keys: Vec<u64> = (0..count)
        .map(|i| mix(round * count + i) % 1_000_000)
        .collect();
    keys.sort_unstable();
    let put = |key| {
        Change::put(
            format!("state/{key:08}").into_bytes(),
            noise(200, key ^ round),
        )
    };
    keys.into_iter().map(put).collect()
}

fn noise(len: usize, seed: u64) -> Bytes {
    (0..)
        .flat_map(|i| mix(seed << 20 | i).to_le_bytes())
        .take(len)
        .collect::<Vec<u8>>()
        .into()
}

fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (n ^ (n >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (n >> 32)
}

fn report(what: &str, kilobytes: usize, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    let total: Duration = latencies.iter().sum();
    let rate = latencies.len() as f64 / total.as_secs_f64();
    println!(
        "{what:60} {rate:7.0}/s {:7.1} MB/s  ms: p50 {:.2}  p99 {:.2}  max {:.2}",
        rate * kilobytes as f64 / 1e3,
        at(50),
        at(99),
        at(100),
    );
}
