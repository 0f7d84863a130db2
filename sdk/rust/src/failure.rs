//! How a handler fails, and why a host call was refused.

use std::error;
use std::fmt::{self, Display};
use std::time::Duration;

/// Why a handler did not handle its message. Whatever it did is undone.
///
/// Any error becomes a [`Failure::Retry`] with `?`, which loses nothing: the message is delivered
/// again, and in the end becomes a dead letter that an operator can send again. What no further
/// attempt can cure says so itself, with [`reject`].
///
/// ```
/// use wasmill_sdk::{Failure, reject};
///
/// fn cents(text: &str) -> Result<u64, Failure> {
///     if text.is_empty() {
///         return Err(reject("the amount is empty"));
///     }
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(cents("4200"), Ok(4200));
/// assert_eq!(cents(""), Err(Failure::Reject("the amount is empty".into())));
/// assert_eq!(cents("x"), Err(Failure::Retry("invalid digit found in string".into())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Deliver again after the subscription's next retry delay.
    Retry(String),
    /// Deliver again after this delay, of whole milliseconds; counts as an attempt.
    RetryAfter {
        /// How long to wait.
        delay: Duration,
        /// Why.
        cause: String,
    },
    /// Never deliver again: the message becomes a dead letter.
    Reject(String),
}

impl Failure {
    /// Why, for people; the host keeps 4 KiB of it.
    #[must_use]
    pub fn cause(&self) -> &str {
        match self {
            Self::Retry(cause) | Self::RetryAfter { cause, .. } | Self::Reject(cause) => cause,
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause())
    }
}

impl<E: error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut cause = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            cause.push_str(": ");
            cause.push_str(&error.to_string());
            source = error.source();
        }
        Self::Retry(cause)
    }
}

/// A failure that another attempt may cure, at the subscription's own time.
#[must_use]
pub fn retry(cause: impl Display) -> Failure {
    Failure::Retry(cause.to_string())
}

/// A failure that another attempt may cure, but not before `delay`.
#[must_use]
pub fn retry_after(delay: Duration, cause: impl Display) -> Failure {
    let cause = cause.to_string();
    Failure::RetryAfter { delay, cause }
}

/// A failure that no further attempt can cure: the message becomes a dead letter.
#[must_use]
pub fn reject(cause: impl Display) -> Failure {
    Failure::Reject(cause.to_string())
}

/// Why a host call was refused. A refused call changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// State, timers and dedup claims belong to a key, and this message has none.
    NoKey,
    /// Over a limit.
    Limit {
        /// What is bounded, with its unit: `body bytes`, `sends per call`.
        what: String,
        /// The bound.
        limit: u64,
        /// What was asked for.
        actual: u64,
    },
    /// The topic is not declared in the operator's routes.
    UnknownTopic(String),
    /// An argument is not of the form it must have; the text says which and why.
    Invalid(String),
    /// The host could not read its store.
    Unavailable(String),
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str(
                "the message has no key, and state, timers and dedup claims belong to one: give \
                 its subscription a `key`",
            ),
            Self::Limit {
                what,
                limit,
                actual,
            } => write!(f, "{what}: {actual} is over the limit of {limit}"),
            Self::UnknownTopic(topic) => write!(
                f,
                "topic `{topic}` is not declared: add it to [topics] of the routes"
            ),
            Self::Invalid(why) | Self::Unavailable(why) => f.write_str(why),
        }
    }
}

impl error::Error for Error {}
