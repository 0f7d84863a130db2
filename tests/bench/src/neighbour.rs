//! What a plugin gets while another one burns all that it can: the calls a second of a small one,
//! alone and beside five hundred calls that compute without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use wasmill_port::{Guests, Plugins};
use wasmill_wasm::Registry;

use crate::floor;
use crate::host::guests;

/// The plugin that burns; each of its calls ends with its fuel, and is followed by another.
const BURNER: &str = "endless_loop";
/// Calls of it at once.
const BURNERS: usize = 500;
/// Runs of the neighbour at once, as a host with messages under many keys has them.
const RUNS: u64 = 64;

/// Calls a second of the neighbour, and how many of them it keeps.
pub(crate) async fn measure(count: u64) -> Result<Value> {
    let directory = tempfile::Builder::new().prefix("wasmill-bench").tempdir()?;
    let guests = guests(directory.path()).await?;
    let component = wasmill_test_guests::bytes(BURNER);
    let file = component.as_slice().into();
    guests.install(&BURNER.into(), file).await?;

    let alone = rate(&guests, count).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let burners: Vec<_> = (0..BURNERS)
        .map(|nth| {
            let (guests, stop) = (guests.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    guests.handle(floor::run_of(BURNER, nth as u64, 1)).await;
                }
            })
        })
        .collect();
    // All of them have begun.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let beside = rate(&guests, count).await?;
    stop.store(true, Ordering::Relaxed);
    burners.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(json!({
        "neighbour.alone_per_s": alone.round(),
        "neighbour.beside_burner_per_s": beside.round(),
        "neighbour.kept_ratio": (beside / alone * 1_000.0).round() / 1_000.0,
    }))
}

/// Calls a second of the small plugin.
async fn rate(guests: &Arc<Registry>, count: u64) -> Result<f64> {
    let runs = (count / RUNS / floor::RUN_COUNT).max(1);
    let begun = Instant::now();
    let tasks: Vec<_> = (0..RUNS)
        .map(|worker| {
            let guests = guests.clone();
            tokio::spawn(async move {
                for _ in 0..runs {
                    guests.handle(floor::run(worker)).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.context("a worker")?;
    }
    Ok((runs * RUNS * floor::RUN_COUNT) as f64 / begun.elapsed().as_secs_f64())
}
