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
use crate::wasi::link_files;

/// A linker of all that a component may import. What is not granted is linked too, and denies:
/// a language's runtime imports much that its plugins never use.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Data>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    link_files(&mut linker)?;
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

#[cfg(test)]
mod tests {
    use wasmill_component::{LINKED_DRAFTS, LINKED_STABLE};
    use wasmtime::Config;

    use super::*;

    /// A function, or resource, of each interface that is said to be linked, in the order in which they are listed.
    const FUNCTIONS: [&str; 37] = [
        "get-environment",
        "exit",
        "get-stderr",
        "get-stdin",
        "get-stdout",
        "terminal-input",
        "terminal-output",
        "get-terminal-stderr",
        "get-terminal-stdin",
        "get-terminal-stdout",
        "now",
        "now",
        "get-directories",
        "[method]descriptor.read",
        "handle",
        "[constructor]fields",
        "[method]error.to-debug-string",
        "poll",
        "[method]input-stream.read",
        "get-insecure-random-u64",
        "insecure-seed",
        "get-random-u64",
        "instance-network",
        "resolve-addresses",
        "network",
        "[method]tcp-socket.start-bind",
        "create-tcp-socket",
        "[method]udp-socket.start-bind",
        "create-udp-socket",
        "get",
        "increment",
        "get-many",
        "open",
        "log",
        "send",
        "request",
        "[static]client.connect",
    ];

    /// Whether the linker has something of this name: then there can be no second one.
    fn has(linker: &mut Linker<Data>, interface: &str, function: &str) -> bool {
        let mut instance = linker.instance(interface).unwrap();
        instance.func_wrap(function, |_, (): ()| Ok(())).is_err()
    }

    #[test]
    fn what_builds_are_told_is_linked_is_what_the_linker_has() {
        let engine = Engine::new(&Config::new()).unwrap();
        let mut linker = linker(&engine).unwrap();
        let mut of_any_patch = |interface: &str, function| {
            (0..64).any(|patch| has(&mut linker, &format!("{interface}@0.2.{patch}"), function))
        };
        for (interface, function) in LINKED_STABLE.iter().zip(FUNCTIONS) {
            assert!(of_any_patch(interface, function), "{interface}");
        }
        for (interface, function) in [
            ("wasi:cli/run", "run"),
            ("wasi:http/incoming-handler", "handle"),
            ("wasi:clocks/timezone", "display"),
        ] {
            assert!(!of_any_patch(interface, function), "{interface}");
        }
        for (interface, function) in LINKED_DRAFTS.iter().zip(&FUNCTIONS[LINKED_STABLE.len()..]) {
            assert!(has(&mut linker, interface, function), "{interface}");
        }
    }
}
