//! What a language costs: the example plugin's size, compiling it, and messages a second.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};
use wasmill_model::routes::Isolation;

use crate::plugin::Plugin;

/// Messages in one run, as of a key that is busy.
const RUN_COUNT: usize = 32;
/// Fresh instances cost more, so there are fewer.
const FRESH_PART: u64 = 20;
/// Longest time for each of the two figures.
const SPAN_MAX: Duration = Duration::from_secs(20);

/// The figures, over at most `count` messages.
pub(crate) async fn measure(component: &Path, count: u64) -> Result<Value> {
    let mut plugin = Plugin::load(component).await?;
    let reused = rate(&mut plugin, count).await?;
    let fuel = plugin.handle(&[0]).await?;
    plugin.set_isolation(Isolation::PerMessage);
    let fresh = rate(&mut plugin, count / FRESH_PART).await?;
    Ok(json!({
        "component_bytes": plugin.bytes,
        "compile_ms": plugin.compiled.as_millis(),
        "fuel": fuel,
        "reused_per_s": reused,
        "fresh_per_s": fresh,
    }))
}

/// Messages a second, of the smallest size, on one thread.
async fn rate(plugin: &mut Plugin, count: u64) -> Result<f64> {
    let bodies = [0; RUN_COUNT];
    // Code and data come into the caches.
    plugin.handle(&bodies).await?;
    let (begun, mut handled) = (Instant::now(), 0);
    while handled < count && begun.elapsed() < SPAN_MAX {
        plugin.handle(&bodies).await?;
        handled += RUN_COUNT as u64;
    }
    Ok((handled as f64 / begun.elapsed().as_secs_f64()).round())
}
