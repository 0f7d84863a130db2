//! WASI's proposals over the contract's own interfaces, one file each. They only translate.

mod config;
mod keyvalue;
mod logging;
mod messaging;

#[expect(unreachable_pub, reason = "the bindings re-export them")]
pub use keyvalue::Bucket;
pub(crate) use messaging::failure;
#[expect(unreachable_pub, reason = "the bindings re-export them")]
pub use messaging::{Client, Message, RequestOptions};

use crate::generated::wasmill::plugin::types::Error;

/// A refusal in words, for interfaces that have nothing else for it.
fn words(error: Error) -> String {
    match error {
        Error::NoKey => "the message has no key, and state belongs to one".to_owned(),
        Error::Limit(over) => format!("{}: {} of {}", over.what, over.actual, over.limit),
        Error::UnknownTopic(topic) => format!("topic `{topic}` is not declared in the routes"),
        Error::Invalid(why) => why,
        Error::Unavailable(why) => format!("the store could not be read: {why}"),
    }
}
