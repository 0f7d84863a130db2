//! Durable handler calls a second: messages come in, are handled and committed, all at once.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::host::Host;

/// Clients at once: enough that the log always has something to append.
const CLIENTS: u64 = 1_024;

/// Calls a second over `keys` keys, from the first message in to the last one handled.
pub(crate) async fn measure(count: u64, keys: u64) -> Result<f64> {
    let host = Host::start(true).await?;
    host.feed(count / 10, keys, CLIENTS).await?;
    drained(&host).await?;
    let begun = Instant::now();
    host.feed(count, keys, CLIENTS).await?;
    drained(&host).await?;
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    host.stop().await?;
    Ok(rate.round())
}

/// Returns when every message is handled.
pub(crate) async fn drained(host: &Host) -> Result<()> {
    while host.pending().await? > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
