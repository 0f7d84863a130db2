//! What plugins used, by version, as it is counted while they are called.

use std::time::Duration;

use wasmill_model::Name;
use wasmill_model::record::CodeVersion;

/// Tells what plugins used.
pub trait Accounts: Send + Sync + 'static {
    /// An account for each version that serves, and for the last few of each plugin that served
    /// before; none of a version that was never called.
    fn accounts(&self) -> Vec<Account>;
}

/// What a version of a plugin used since this process serves it.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The plugin.
    pub plugin: Name,
    /// The version.
    pub version: CodeVersion,
    /// How many calls of an export had an outcome; only what there was.
    pub calls: Vec<Calls>,
    /// Fuel of all calls.
    pub fuel: u64,
    /// Time of all calls, waiting for outgoing HTTP included.
    pub busy: Duration,
    /// The most memory that one of its instances held, in bytes.
    pub memory_bytes_max: u64,
    /// Calls of the contract's functions.
    pub host_calls: u64,
    /// Bytes of the bodies of the messages that its handler was called with.
    pub bytes_in: u64,
    /// Bytes that its handler sent and wrote.
    pub bytes_out: u64,
    /// How long the calls of its handler took: a bound in seconds, and how many were over the one
    /// before and no longer than this. The last bound is `f64::MAX`.
    pub handler_seconds: Vec<(f64, u64)>,
    /// The sum of these times.
    pub handler_busy: Duration,
}

/// Calls of one export that ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// `handler`, `gate`, `query` or `checker`.
    pub export: &'static str,
    /// `ok`; `retry` or `reject`, as the handler asked; or `fault`: a trap or a limit.
    pub outcome: &'static str,
    /// How many.
    pub count: u64,
}
