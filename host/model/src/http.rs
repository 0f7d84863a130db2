//! HTTP as plugins see it: what the API hands to `gate` and `query`, and what comes back.

use bytes::Bytes;

use crate::Name;

/// A request on a route that the operator gave to a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// In upper case.
    pub method: String,
    /// The path as asked for, without the query string.
    pub path: String,
    /// Values of the route's `{parameters}`, percent-decoded.
    pub params: Vec<(String, String)>,
    /// The query string's pairs, percent-decoded, in their order.
    pub query: Vec<(String, String)>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The raw body.
    pub body: Bytes,
}

/// A request that a gate let in, as the message that it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The message's key.
    pub key: Option<Name>,
    /// The producer's id within the key.
    pub dedup_id: Option<String>,
    /// The message's tag.
    pub tag: Option<Name>,
    /// The message's headers.
    pub headers: Vec<(Name, Name)>,
    /// The message's body.
    pub body: Bytes,
    /// The JSON body of the answer once the message is durable.
    pub answer: Bytes,
}

/// A request that a gate refused (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 400 to 499.
    pub status: u16,
    /// The kind of problem in a few words.
    pub title: String,
    /// What is wrong, and the remedy.
    pub detail: String,
    /// The offending field.
    pub field: Option<String>,
}

/// A query's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// Whether the flow behind this answer has reached its outcome.
    pub settled: bool,
}
