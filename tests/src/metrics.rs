//! The host's counters, as `/metrics` shows them.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::client::Client;
use crate::patience::until;

/// The value of the counter or gauge whose name ends so, summed over its labels.
///
/// # Errors
/// If the host does not answer, or shows no such counter.
pub async fn read(client: &Client, name: &str) -> Result<f64> {
    let reply = client.get("/metrics").await?.success()?;
    let text = String::from_utf8_lossy(&reply.body);
    sum(&text, name).with_context(|| format!("/metrics shows no `{name}`"))
}

fn sum(text: &str, name: &str) -> Option<f64> {
    let values = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let series = series.split('{').next()?;
            series.ends_with(name).then(|| value.parse::<f64>().ok())?
        });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

/// Waits until a counter has reached a value.
///
/// # Errors
/// If it has not after `patience`, or cannot be read.
pub async fn reached(client: &Client, name: &str, value: f64, patience: Duration) -> Result<()> {
    let reached = until(patience, || read(client, name), |now| *now >= value).await;
    reached.with_context(|| format!("`{name}` should be {value}"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_summed_and_prefixes_passed_over() {
        let text = "# HELP w_a A.\nw_a_total{s=\"x\"} 2\nw_a_total{s=\"y z\"} 3\nw_b 1\n";
        assert_eq!(sum(text, "a_total"), Some(5.0));
        assert_eq!(sum(text, "c_total"), None);
    }
}
