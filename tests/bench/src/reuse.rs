//! One instance, reused for many messages of all sizes: it must neither trap nor grow for ever.
//!
//! Languages that collect garbage are tried here. A collection may fall into any allocation, among
//! them those for what the host hands over, where an instance must not call out.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use wasmill_model::limits::BODY_BYTES_MAX;

use crate::plugin::Plugin;

/// Bodies of one run: mostly small ones, some of 64 KiB, one of the largest that there are.
const RUN_COUNT: usize = 111;
const MEDIUM_EVERY: usize = 11;
/// The body that is large.
const LARGE_AT: usize = 60;
/// Small bodies have up to so many bytes.
const SMALL_BYTES_MAX: usize = 2_048;
const MEDIUM_BYTES: usize = 64 << 10;

/// Handles at least `count` messages in one instance, and tells how it went.
pub(crate) async fn soak(component: &Path, count: u64) -> Result<Value> {
    let mut plugin = Plugin::load(component).await?;
    let rounds = count.div_ceil(RUN_COUNT as u64);
    let (begun, mut memory, mut fuel) = (Instant::now(), Vec::new(), 0);
    for round in 0..rounds {
        fuel = plugin.handle(&bodies(round)).await?.max(fuel);
        memory.push(memory_bytes(&plugin, (round + 1) * RUN_COUNT as u64)?);
    }
    let (half, last) = (memory[memory.len() / 2], memory[memory.len() - 1]);
    ensure!(
        last <= half + half / 8,
        "memory grows: {half} bytes after half of {count} messages, {last} after all"
    );
    Ok(json!({
        "messages": rounds * RUN_COUNT as u64,
        "seconds": begun.elapsed().as_secs_f64().round(),
        "fuel_of_largest": fuel,
        "memory_bytes_first": memory[0],
        "memory_bytes_half": half,
        "memory_bytes_last": last,
    }))
}

/// Sizes of a run's bodies. Small ones differ from round to round.
fn bodies(round: u64) -> Vec<usize> {
    let size = |nth: usize| match nth {
        LARGE_AT => BODY_BYTES_MAX,
        nth if nth % MEDIUM_EVERY == 0 => MEDIUM_BYTES,
        nth => (nth * nth * 37 + round as usize * 101) % SMALL_BYTES_MAX,
    };
    (0..RUN_COUNT).map(size).collect()
}

/// What the only instance holds, which must have served all calls.
fn memory_bytes(plugin: &Plugin, calls: u64) -> Result<usize> {
    let instances = plugin.idle_instances();
    ensure!(
        instances.len() == 1 && u64::from(instances[0].calls) == calls,
        "{calls} messages were not handled by one instance: {instances:?}"
    );
    Ok(instances[0].memory_bytes)
}
