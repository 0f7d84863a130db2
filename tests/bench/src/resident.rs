//! Memory, as the system counts it.

use anyhow::{Context, Result};

/// Resident megabytes of this process.
pub(crate) fn resident_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("/proc/self/status")?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("VmRSS")?;
    let kilobytes = line.split_whitespace().nth(1).context("a number of kB")?;
    Ok((kilobytes.parse::<f64>()? / 1024.0).round())
}
