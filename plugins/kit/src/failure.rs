//! How a refused host call, or a message that makes no sense, ends the handler.

use std::fmt::Display;

use crate::{Error, Failure};

/// A failure that another attempt may cure.
pub fn retry(cause: impl Display) -> Failure {
    Failure::Retry(cause.to_string())
}

/// A failure that no further attempt can cure: the message becomes a dead letter.
pub fn reject(cause: impl Display) -> Failure {
    Failure::Reject(cause.to_string())
}

impl From<Error> for Failure {
    /// The store may answer again and an operator may still declare a topic; the other refusals
    /// come from the message itself and would come again.
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(cause) => retry(cause),
            Error::UnknownTopic(topic) => retry(format!(
                "topic `{topic}` is not declared: add it to [topics] of the routes"
            )),
            Error::NoKey => reject("this subscription needs keyed messages: give it a `key`"),
            Error::Limit(over) => reject(format!(
                "{}: {} is over the limit of {}",
                over.what, over.actual, over.limit
            )),
            Error::Invalid(what) => reject(what),
        }
    }
}
