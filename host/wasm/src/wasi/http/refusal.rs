//! What a plugin's grants forbid of its outgoing HTTP: counted each time, and told now and then.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime_wasi_http::Error;

use crate::log::{Level, PluginLog};
use crate::metrics::Metrics;

/// How long a plugin's refusals for one cause are only counted after one was told.
const QUIET: Duration = Duration::from_secs(60);

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The allowlist does not have the host.
    NotGranted,
    /// The name stands for an address that is not public.
    Private(IpAddr),
    /// The request's body is too large.
    RequestBytes(usize),
    /// The answer's body is too large.
    ResponseBytes(usize),
    /// Too many are under way.
    Concurrency(usize),
}

impl Refusal {
    /// As metrics call it.
    fn label(&self) -> &'static str {
        match self {
            Self::NotGranted => "not-granted",
            Self::Private(_) => "private-address",
            Self::RequestBytes(_) => "request-bytes",
            Self::ResponseBytes(_) => "response-bytes",
            Self::Concurrency(_) => "concurrency",
        }
    }

    /// As the guest is told.
    pub(super) fn error(&self) -> Error {
        let size = |bytes: &usize| u64::try_from(*bytes).ok();
        match self {
            Self::NotGranted => Error::HttpRequestDenied,
            Self::Private(_) => Error::DestinationIpProhibited,
            Self::RequestBytes(max) => Error::HttpRequestBodySize(size(max)),
            Self::ResponseBytes(max) => Error::HttpResponseBodySize(size(max)),
            Self::Concurrency(_) => Error::ConnectionLimitReached,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGranted => f.write_str("add it to `grants.http` if that is meant"),
            Self::Private(address) => write!(
                f,
                "the name stands for {address}, which is no public address: add it to \
                 `grants.http_private` if that is meant"
            ),
            Self::RequestBytes(max) => write!(
                f,
                "its body is larger than `grants.http_limits.request_bytes_max` of {max}"
            ),
            Self::ResponseBytes(max) => write!(
                f,
                "the answer's body is larger than `grants.http_limits.response_bytes_max` of {max}"
            ),
            Self::Concurrency(max) => write!(
                f,
                "`grants.http_limits.concurrency` of {max} were under way for as long as `connect`"
            ),
        }
    }
}

/// The refusals of one plugin.
#[derive(Debug)]
pub(super) struct Refusals {
    plugin: String,
    metrics: Metrics,
    // Never held across an await, and only for a few instructions.
    told: Mutex<BTreeMap<&'static str, Told>>,
}

#[derive(Debug)]
struct Told {
    last: Instant,
    since: u64,
}

impl Refusals {
    pub(super) fn new(plugin: &str, metrics: Metrics) -> Self {
        Self {
            plugin: plugin.to_owned(),
            metrics,
            told: Mutex::default(),
        }
    }

    /// Counts a refusal, tells of it unless one was told a moment ago, and returns what the guest
    /// is told.
    pub(super) fn note(&self, log: &PluginLog, host: &str, refusal: &Refusal) -> Error {
        self.metrics.http_refused(&self.plugin, refusal.label());
        if let Some(untold) = self.due(refusal.label(), Instant::now()) {
            let others = match untold {
                0 => String::new(),
                count => format!(" ({count} others were refused since the last one told)"),
            };
            let line = format!("outgoing HTTP to `{host}` was refused: {refusal}{others}");
            log.write(Level::Warn, None, &line);
        }
        refusal.error()
    }

    /// Whether one for `cause` is to be told of now, and then how many were not.
    fn due(&self, cause: &'static str, now: Instant) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(told) = told.get_mut(cause) else {
            told.insert(
                cause,
                Told {
                    last: now,
                    since: 0,
                },
            );
            return Some(0);
        };
        if now - told.last < QUIET {
            told.since += 1;
            return None;
        }
        told.last = now;
        Some(std::mem::take(&mut told.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refusal_a_minute_is_told_and_the_others_are_counted() {
        let refusals = Refusals::new("p", Metrics::default());
        let begin = Instant::now();
        assert_eq!(refusals.due("it", begin), Some(0));
        assert_eq!(refusals.due("it", begin), None);
        assert_eq!(refusals.due("it", begin + QUIET / 2), None);
        assert_eq!(refusals.due("another", begin + QUIET / 2), Some(0));
        assert_eq!(refusals.due("it", begin + QUIET), Some(2));
        assert_eq!(refusals.due("it", begin + QUIET), None);
    }
}
