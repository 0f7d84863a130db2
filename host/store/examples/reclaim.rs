//! What appending and trimming for long costs in space and memory: a window of 100 MB of blocks
//! is kept. `cargo run --release -p wasmill-store --example reclaim [GIGABYTES [DIRECTORY]]`

use std::{env, error::Error, fs, path::Path, time::Instant};

use bytes::Bytes;
use wasmill_port::store::{Change, Log, View};
use wasmill_store::{DataDir, Options, Settings, Sled};

const BLOCK_BYTES: usize = 50_000;
const WINDOW: u64 = 100_000_000 / BLOCK_BYTES as u64;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let gigabytes: f64 = args.next().as_deref().unwrap_or("1").parse()?;
    let scratch = tempfile::tempdir_in(args.next().unwrap_or_else(|| ".".to_owned()))?;
    let dir = DataDir::open(scratch.path(), Settings::default())?;
    let (mut log, view) = Sled::open(&dir, &Options::default())?;
    let acquired = log.acquire()?;
    let blocks = (gigabytes * 1e9) as u64 / BLOCK_BYTES as u64;
    let begin = Instant::now();
    for number in 0..blocks {
        log.append(acquired.epoch, number, &noise(BLOCK_BYTES, number))?;
        if number % 200 == 199 {
            // Blocks are trimmed behind a checkpoint of the state they amount to.
            view.checkpoint(state(number))?;
            log.trim(number.saturating_sub(WINDOW))?;
        }
        if number % (blocks / 10).max(1) == 0 {
            report(number, begin, &dir.db())?;
        }
    }
    report(blocks, begin, &dir.db())?;
    drop((log, view));
    let begin = Instant::now();
    let (mut log, _view) = Sled::open(&dir, &Options::default())?;
    println!("reopened in {:.2?}: {:?}", begin.elapsed(), log.acquire()?);
    Ok(())
}

fn report(blocks: u64, begin: Instant, db: &Path) -> Result<(), Box<dyn Error>> {
    let megabytes = |bytes: u64| bytes / 1_000_000;
    println!(
        "{:5} MB appended in {:.0?}: log {} MB, view {} MB; resident {} MB",
        megabytes(blocks * BLOCK_BYTES as u64),
        begin.elapsed(),
        megabytes(fs::metadata(db.join("log/db"))?.len()),
        megabytes(fs::metadata(db.join("view/db"))?.len()),
        resident_kilobytes()? / 1000,
    );
    Ok(())
}

fn resident_kilobytes() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// A thousand of a hundred thousand keys of state.
fn state(round: u64) -> Vec<Change> {
    let key = |i| format!("state/{:06}", mix(round * 1000 + i) % 100_000).into_bytes();
    (0..1000)
        .map(|i| Change::put(key(i), noise(200, round ^ i)))
        .collect()
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
