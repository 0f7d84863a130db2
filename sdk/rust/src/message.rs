//! Messages that come in, and messages that go out.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::wasmill::plugin::timer::Alarm;
use crate::bindings::wasmill::plugin::types::{Delivery, Message, Outgoing};
use crate::json;
use crate::{Failure, reject};

impl Message {
    /// The body, as JSON.
    ///
    /// # Errors
    /// A rejection that names the topic, and the field that is missing or wrong: no further
    /// attempt would read it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        json::read(&self.body)
            .map_err(|unreadable| reject(format!("body of `{}`: {unreadable}", self.topic)))
    }

    /// The key, for handlers that need one.
    ///
    /// # Errors
    /// A rejection if there is none.
    pub fn key(&self) -> Result<&str, Failure> {
        let key = self.key.as_deref();
        key.ok_or_else(|| {
            reject(format!(
                "a message of `{}` needs a key: send it with one, or give subscription `{}` a \
                 `key`",
                self.topic, self.subscription
            ))
        })
    }

    /// The value of a header. Names are case-sensitive.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.headers, name)
    }

    /// The rejection of a message that this plugin has no handler for.
    #[must_use]
    pub fn unexpected(&self) -> Failure {
        reject(format!(
            "this plugin handles no `{}`: check subscription `{}`",
            self.topic, self.subscription
        ))
    }
}

impl Outgoing {
    /// A message without a key, to be delivered with the handler's commit.
    pub fn new(topic: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            topic: topic.into(),
            key: None,
            tag: None,
            headers: Vec::new(),
            body: body.into(),
            when: Delivery::Now,
        }
    }

    /// As [`Outgoing::new`], with a body in JSON.
    ///
    /// # Errors
    /// A failure to retry if `body` has no representation in JSON.
    pub fn json(
        topic: impl Into<String>,
        body: &(impl Serialize + ?Sized),
    ) -> Result<Self, Failure> {
        Ok(Self::new(topic, serde_json::to_vec(body)?))
    }

    /// Under this key: it is the message's order, state and partition.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// With a word that subscriptions may filter by.
    #[must_use]
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// To be delivered later: after a [`Duration`], or as a [`Delivery`] says.
    #[must_use]
    pub fn when(mut self, when: impl Into<Delivery>) -> Self {
        self.when = when.into();
        self
    }
}

impl Alarm {
    /// A timer's message with an empty body.
    pub fn new(topic: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            tag: None,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A timer's message with a body in JSON.
    ///
    /// # Errors
    /// A failure to retry if `body` has no representation in JSON.
    pub fn json(
        topic: impl Into<String>,
        body: &(impl Serialize + ?Sized),
    ) -> Result<Self, Failure> {
        let body = serde_json::to_vec(body)?;
        Ok(Self {
            body,
            ..Self::new(topic)
        })
    }
}

impl From<&str> for Alarm {
    fn from(topic: &str) -> Self {
        Self::new(topic)
    }
}

impl From<Duration> for Delivery {
    /// After so many milliseconds, the last of them begun: never earlier.
    fn from(delay: Duration) -> Self {
        Self::After(milliseconds(delay))
    }
}

/// A span in the contract's unit, the last millisecond of it begun: what is asked for in finer ones is
/// neither too early nor too short. What does not fit is the end of time.
pub(crate) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The value of the first pair of this name.
pub(crate) fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = pairs.iter().find(|(candidate, _)| candidate == name);
    found.map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_end_on_the_millisecond_or_after_it() {
        let spans = [0, 1, 999_999, 1_000_000, 1_000_001].map(Duration::from_nanos);
        assert_eq!(spans.map(milliseconds), [0, 1, 1, 1, 2]);
        assert_eq!(milliseconds(Duration::MAX), u64::MAX);
    }
}
