//! Producers' ids: how soon a host that has many of them is ready, in how much memory, and that it
//! has forgotten none.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use wasmill_service::{Dedup, Incoming};

use crate::host::{Client, Host, message};
use crate::resident::resident_mb;

const CLIENTS: u64 = 1_024;
const KEYS: u64 = 10_000;
/// Longer than the measurement, and as RocketMQ keeps messages.
const WINDOW: Duration = Duration::from_secs(72 * 3600);

/// Takes in messages with ids, then lets another process start on the same data.
pub(crate) async fn measure(count: u64) -> Result<Value> {
    let directory = tempfile::Builder::new().prefix("wasmill-bench").tempdir()?;
    let host = Host::open(directory.path(), false).await?;
    let begun = Instant::now();
    let known = send_all(&host, count).await?;
    ensure!(known == 0, "{known} ids were known before they were used");
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    host.stop().await?;

    let again = Command::new(std::env::current_exe()?)
        .args(["dedup-again", "--count", &count.to_string(), "--directory"])
        .arg(directory.path())
        .output()?;
    let said = String::from_utf8_lossy(&again.stderr);
    ensure!(again.status.success(), "the second process failed: {said}");
    let mut figures: Value = serde_json::from_slice(&again.stdout)?;
    figures["dedup.ids_per_s"] = rate.round().into();
    Ok(figures)
}

/// Starts on data with so many ids, and sends them all again.
pub(crate) async fn again(count: u64, directory: &Path) -> Result<Value> {
    let begun = Instant::now();
    let host = Host::open(directory, false).await?;
    let ready = begun.elapsed();
    let begun = Instant::now();
    let known = send_all(&host, count).await?;
    ensure!(known == count, "{} ids were forgotten", count - known);
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    let resident = resident_mb()?;
    host.stop().await?;
    Ok(json!({
        "dedup.ready_ms": ready.as_millis() as u64,
        "dedup.refused_per_s": rate.round(),
        "dedup.rss_mb": resident,
    }))
}

/// Sends a message under each id; returns how many ids were known.
async fn send_all(host: &Host, count: u64) -> Result<u64> {
    let known = Arc::new(AtomicU64::new(0));
    let counted = known.clone();
    let work = move |client: Client, nth| {
        let known = known.clone();
        async move {
            let receipt = client.send(identified(nth)).await?;
            known.fetch_add(receipt.duplicate.into(), Ordering::Relaxed);
            Ok(())
        }
    };
    host.each(count, CLIENTS, work).await?;
    Ok(counted.load(Ordering::Relaxed))
}

/// To a topic that nobody subscribes to.
fn identified(nth: u64) -> Incoming {
    let key = format!("key-{}", nth % KEYS).into();
    Incoming {
        topic: "counted".into(),
        dedup: Some(Dedup {
            id: format!("id-{nth}"),
            window: WINDOW,
        }),
        ..message(key, Bytes::from_static(&[b'x'; 100]))
    }
}
