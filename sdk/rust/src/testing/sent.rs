//! Messages as a test sees them.

use serde::de::DeserializeOwned;

use crate::json;
use crate::{Failure, Outgoing, reject};

/// A message that the plugin sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// Its id.
    pub id: String,
    /// The topic.
    pub topic: String,
    /// The key; none for one without order and state.
    pub key: Option<String>,
    /// The tag.
    pub tag: Option<String>,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// When it is delivered, in milliseconds since the Unix epoch; none for at once.
    pub due: Option<u64>,
    /// The key of the handler that sent it, which alone can recall it.
    pub(super) scope_key: Option<String>,
}

impl Sent {
    pub(super) fn new(id: String, message: Outgoing, due: Option<u64>) -> Self {
        let Outgoing {
            topic,
            key,
            tag,
            headers,
            body,
            ..
        } = message;
        Self {
            id,
            topic,
            key,
            tag,
            headers,
            body,
            due,
            scope_key: None,
        }
    }

    /// The body, as JSON.
    ///
    /// # Errors
    /// What a handler of the message would reject it with.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::read(&self.body)
            .map_err(|unreadable| reject(format!("body of `{}`: {unreadable}", self.topic)))
    }
}
