//! HTTP routes: those that take messages in, and those that answer from state.

use std::time::Duration;

use super::key::{self, KeyError};
use crate::http::Request;
use crate::{Name, reserved};

/// A route that turns requests into messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// In upper case.
    pub method: String,
    /// A path with `{parameters}`.
    pub path: String,
    /// Where the messages go.
    pub topic: Name,
    /// The plugin that admits requests.
    pub gate: Option<Name>,
    /// Where the key comes from when there is no gate.
    pub key: Option<IngressKey>,
    /// Where the producer's id comes from when there is no gate; if not said, it is the request's
    /// `Idempotency-Key`.
    pub dedup_id: Option<IngressKey>,
    /// How long a producer's id is remembered.
    pub dedup_window: Duration,
    /// Topics whose first message with the flow's correlation is the outcome.
    pub wait_for: Vec<Name>,
    /// The path that answers a repeated request which waits; `{key}` is the message's key.
    pub query: Option<String>,
    /// Largest body.
    pub body_bytes_max: usize,
    /// The status once the message is durable.
    pub answer: u16,
}

/// Where the key, or the id, of a request without a gate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IngressKey {
    /// A parameter of the path.
    Path(String),
    /// A header, by its lower-case name.
    Header(String),
    /// A JSON Pointer into the body.
    Pointer(String),
}

impl IngressKey {
    /// The key, or the id, of `request`: a text, or an integer, of 1 to 256 bytes.
    ///
    /// # Errors
    /// [`KeyError`] if there is none at this place.
    pub fn of(&self, request: &Request) -> Result<Name, KeyError> {
        let find = |pairs: &[(String, String)], name: &str| {
            let found = pairs.iter().find(|(candidate, _)| candidate == name);
            let (_, value) = found.ok_or_else(|| KeyError::NoHeader(name.into()))?;
            key::checked(value)
        };
        match self {
            Self::Path(name) => find(&request.params, name),
            Self::Header(name) => find(&request.headers, name),
            Self::Pointer(pointer) => key::pointed(&request.body, pointer),
        }
    }
}

/// A GET route answered by a plugin's `query` export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryRoute {
    /// A path with `{parameters}`.
    pub path: String,
    /// The plugin asked.
    pub plugin: Name,
    /// A template of the key: `{name}` is a parameter of the path, `{?name}` of the query string.
    pub key: String,
    /// Whether it is asked about what the plugin's broadcasts keep on this host.
    pub broadcast: bool,
}

impl QueryRoute {
    /// Whose state the plugin is asked about.
    #[must_use]
    pub fn owner(&self) -> Name {
        reserved::owner(&self.plugin, self.broadcast)
    }
}
