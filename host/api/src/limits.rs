//! Bounds of the listener and its requests.

use std::time::Duration;

/// Bounds of the listener and its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; further ones wait in the listener's backlog.
    pub connections_max: usize,
    /// Requests in progress at once; further ones are told to come again.
    pub requests_max: usize,
    /// Bytes of all request bodies in memory; requests beyond are told to come again.
    pub bodies_bytes_max: usize,
    /// Bytes of a request's head.
    pub head_bytes_max: usize,
    /// How long a connection may take to send a request's head, or stay idle before it.
    pub head_timeout: Duration,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// Longest `?wait=`.
    pub wait_max: Duration,
    /// How long requests in progress may take to end when the host stops.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            requests_max: 16_384,
            bodies_bytes_max: 256 << 20,
            head_bytes_max: 64 << 10,
            head_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(30),
            wait_max: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(20),
        }
    }
}
