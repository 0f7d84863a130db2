//! The platform's bounds. Every queue, payload and loop has one; the unit stands last.

use crate::Name;

/// Largest body of a message (RocketMQ's default, 4 MiB).
pub const BODY_BYTES_MAX: usize = 4 << 20;
/// Largest sum of a message's header names and values (as RocketMQ).
pub const HEADERS_BYTES_MAX: usize = 16 << 10;
/// Most headers of a message (as RocketMQ).
pub const HEADERS_COUNT_MAX: usize = 128;
/// Longest topic (as RocketMQ).
pub const TOPIC_BYTES_MAX: usize = 127;
/// Longest key.
pub const KEY_BYTES_MAX: usize = 256;
/// Longest tag.
pub const TAG_BYTES_MAX: usize = 127;
/// Longest name of a state entry, timer or dedup id.
pub const STATE_NAME_BYTES_MAX: usize = 256;
/// Largest value of a state entry.
pub const STATE_VALUE_BYTES_MAX: usize = 1 << 20;
/// Most entries that one `state.scan` returns.
pub const STATE_SCAN_COUNT_MAX: u32 = 1_000;
/// Most bytes of values that one `state.scan` returns, except that it returns one entry at least.
pub const STATE_SCAN_BYTES_MAX: usize = 1 << 20;
/// Longest cause of a failure that is kept; a longer one is cut.
pub const CAUSE_BYTES_MAX: usize = 4 << 10;

/// How large a message may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// Largest body.
    pub body_bytes_max: usize,
    /// Largest sum of header names and values.
    pub headers_bytes_max: usize,
    /// Most headers.
    pub headers_count_max: usize,
}

impl Default for MessageLimits {
    /// The platform's bounds, which are the ceilings too.
    fn default() -> Self {
        Self {
            body_bytes_max: BODY_BYTES_MAX,
            headers_bytes_max: HEADERS_BYTES_MAX,
            headers_count_max: HEADERS_COUNT_MAX,
        }
    }
}

impl MessageLimits {
    /// Checks the parts of a message.
    ///
    /// # Errors
    /// [`Exceeded`] for the first part that is over its bound.
    pub fn check(
        &self,
        key: Option<&Name>,
        tag: Option<&Name>,
        headers: &[(Name, Name)],
        body: &[u8],
    ) -> Result<(), Exceeded> {
        let bound = |part, what, actual, limit| {
            within(what, actual, limit).map_err(|exceeded| Exceeded {
                part: Some(part),
                ..exceeded
            })
        };
        let length = |name: Option<&Name>| name.map_or(0, |it| it.len());
        bound(Part::Key, "key bytes", length(key), KEY_BYTES_MAX)?;
        bound(Part::Tag, "tag bytes", length(tag), TAG_BYTES_MAX)?;
        let count_max = self.headers_count_max;
        bound(Part::HeaderCount, "headers", headers.len(), count_max)?;
        let header_bytes = headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let bytes_max = self.headers_bytes_max;
        bound(Part::HeaderBytes, "header bytes", header_bytes, bytes_max)?;
        bound(Part::Body, "body bytes", body.len(), self.body_bytes_max)
    }
}

/// A bound that was passed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: {actual} is over the limit of {limit}")]
pub struct Exceeded {
    /// What is bounded, with its unit.
    pub what: &'static str,
    /// The part of a message that is bounded, if it is one.
    pub part: Option<Part>,
    /// The bound.
    pub limit: u64,
    /// What was asked for.
    pub actual: u64,
}

/// A message that is over one of the limits for what is sent to its topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{exceeded}{}", self.whose())]
pub struct OverLimit {
    /// The topic, or prefix of topics, as it is declared.
    pub topic: Name,
    /// What it has passed.
    pub exceeded: Exceeded,
}

impl OverLimit {
    /// The bound's key among the topic's policies; none if it is the platform's alone.
    #[must_use]
    pub fn policy(&self) -> Option<&'static str> {
        self.exceeded.part?.policy()
    }

    fn whose(&self) -> String {
        let policy = self.policy();
        policy.map_or_else(String::new, |it| {
            format!(" of topic `{}` (`{it}`)", self.topic)
        })
    }
}

/// A part of a message that has a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The key.
    Key,
    /// The tag.
    Tag,
    /// The headers, by their number.
    HeaderCount,
    /// The headers, by their size.
    HeaderBytes,
    /// The body.
    Body,
}

impl Part {
    /// What it is called where messages are written down, in JSON for one.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Tag => "tag",
            Self::HeaderCount | Self::HeaderBytes => "headers",
            Self::Body => "body",
        }
    }

    /// The key of its bound among a topic's policies in the routes file; none if the bound is the
    /// platform's alone.
    #[must_use]
    pub fn policy(self) -> Option<&'static str> {
        match self {
            Self::Key | Self::Tag => None,
            Self::HeaderCount => Some("headers_count_max"),
            Self::HeaderBytes => Some("headers_bytes_max"),
            Self::Body => Some("body_bytes_max"),
        }
    }
}

/// Checks a size or a count against its bound.
///
/// # Errors
/// [`Exceeded`] if `actual` is over `limit`.
pub fn within(what: &'static str, actual: usize, limit: usize) -> Result<(), Exceeded> {
    if actual <= limit {
        return Ok(());
    }
    let wide = |n| u64::try_from(n).unwrap_or(u64::MAX);
    Err(Exceeded {
        what,
        part: None,
        limit: wide(limit),
        actual: wide(actual),
    })
}
