//! Resident memory of a host with a long backlog.

use std::time::Duration;

use anyhow::Result;

use crate::host::Host;
use crate::resident::resident_mb;

/// Resident megabytes with `count` messages that wait for a plugin out of service.
pub(crate) async fn measure(count: u64) -> Result<f64> {
    let host = Host::start(false).await?;
    host.feed(count, 10_000, 1_024).await?;
    // The last checkpoint follows within seconds.
    tokio::time::sleep(Duration::from_secs(6)).await;
    anyhow::ensure!(host.pending().await? == count, "every message waits");
    let resident = resident_mb()?;
    host.stop().await?;
    Ok(resident)
}
