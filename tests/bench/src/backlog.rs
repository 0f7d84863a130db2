//! Resident memory of a host with a long backlog.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::host::Host;

/// Resident megabytes with `count` messages that wait for a plugin out of service.
pub(crate) async fn measure(count: u64) -> Result<f64> {
    let host = Host::start(false).await?;
    host.feed(count, 10_000, 1_024).await?;
    // The last checkpoint follows within seconds.
    tokio::time::sleep(Duration::from_secs(6)).await;
    anyhow::ensure!(host.pending().await == count, "every message waits");
    let resident = resident_mb()?;
    host.stop().await?;
    Ok(resident)
}

fn resident_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("VmRSS")?;
    let kilobytes = line.split_whitespace().nth(1).context("a number of kB")?;
    Ok((kilobytes.parse::<f64>()? / 1024.0).round())
}
