//! `[log]`: how long the host keeps its log.

use std::time::Duration;

use wasmill_model::routes::LogRetention;

use crate::table::Table;
use crate::units;

/// Shortest time.
const AGE_MIN: Duration = Duration::from_secs(60);
/// Longest time.
pub(crate) const AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Least size: a few rounds of checkpoints.
const BYTES_MIN: usize = 64 << 20;
/// Largest size.
const BYTES_MAX: usize = 1 << 40;

/// Reads the table.
pub(crate) fn read(root: &mut Table<'_>) -> LogRetention {
    let mut log = LogRetention::default();
    let Some(mut table) = root.get("log").and_then(|field| field.table()) else {
        return log;
    };
    if let Some(age) = table.get("retention") {
        // After a problem the longest: topics that keep messages for long are not to be blamed.
        log.age_max = units::duration(&age, AGE_MIN, AGE_MAX).unwrap_or(AGE_MAX);
    }
    if let Some(size) = table.get("retention_bytes") {
        let size = units::bytes_from(&size, BYTES_MIN, BYTES_MAX).unwrap_or(BYTES_MIN);
        log.bytes_max = size as u64;
    }
    table.finish();
    log
}
