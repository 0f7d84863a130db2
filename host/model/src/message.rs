//! A message, and to whom it goes.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{MessageId, Millis, Name};

/// A message as the log holds it. The body is reference-counted: fan-out and delivery share it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Unique for ever.
    pub id: MessageId,
    /// The topic it was sent to.
    pub topic: Name,
    /// Order, state and partition; none for a message without them.
    pub key: Option<Name>,
    /// What subscriptions may filter by.
    pub tag: Option<Name>,
    /// The sender's headers, each name once, and before them one of the host's own, if there is any:
    /// see [`crate::chosen`].
    pub headers: Vec<(Name, Name)>,
    /// Opaque to the host.
    pub body: Bytes,
    /// When it was sent, or for a delayed message when it fell due.
    pub produced_at: Millis,
    /// The id of the message that began this flow.
    pub correlation: MessageId,
    /// The id of the message whose handler sent this one.
    pub causation: Option<MessageId>,
    /// The name of the timer that this message is, if it is one. Empty for a timer that was given
    /// up and redriven: it is pending no longer, and the key may have set another of its name.
    pub timer: Option<Name>,
}

impl Message {
    /// The name under which the message is a pending timer of its key.
    #[must_use]
    pub fn pending_timer(&self) -> Option<&Name> {
        self.timer.as_ref().filter(|name| !name.is_empty())
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    /// About how many bytes of memory the message holds; what budgets count.
    #[must_use]
    pub fn footprint(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(n, v)| n.len() + v.len() + 32)
            .sum();
        let key = self.key.as_ref().map_or(0, |key| key.len());
        size_of::<Self>() + self.body.len() + headers + key
    }
}

/// One subscription that a message goes to, and the key under which it is handled there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The subscription's name.
    pub subscription: Name,
    /// The key in that subscription; none without order and state.
    pub key: Option<Name>,
}
