//! The interfaces that plugins import, one file each. They only translate: the semantics are in
//! `port::Call`.

mod config;
mod dedup;
mod log;
mod queue;
mod state;
mod timer;
mod transaction;
pub(crate) mod wasi;

use wasmill_port::CallError;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Engine, Result};

use crate::data::Data;
use crate::generated::Full;
use crate::generated::drafts::Drafts;
use crate::generated::wasmill::plugin::types;

/// A linker of all that a component may import. What is not granted is linked too, and denies:
/// a language's runtime imports much that its plugins never use.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Data>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    Full::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data)?;
    Drafts::add_to_linker::<_, HasSelf<_>>(&mut linker, |data| data)?;
    Ok(linker)
}

impl types::Host for Data {}

impl From<CallError> for types::Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoKey => Self::NoKey,
            CallError::Limit(over) => Self::Limit(types::Exceeded {
                what: over.what.to_owned(),
                limit: over.limit,
                actual: over.actual,
            }),
            CallError::UnknownTopic(topic) => Self::UnknownTopic(topic),
            CallError::Invalid(why) => Self::Invalid(why),
            CallError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}
