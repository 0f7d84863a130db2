//! How long the host keeps its log.

use std::time::Duration;

/// What is kept of the log behind the last checkpoint; whichever bound is passed first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRetention {
    /// Bytes of blocks.
    pub bytes_max: u64,
    /// Age of blocks.
    pub age_max: Duration,
}

impl Default for LogRetention {
    /// 256 MiB, and 72 h as RocketMQ.
    fn default() -> Self {
        Self {
            bytes_max: 256 << 20,
            age_max: Duration::from_secs(72 * 3600),
        }
    }
}
