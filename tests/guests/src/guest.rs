//! The contract as guests see it: bindings of its imports, and a macro that exports a world over
//! them from the guest itself, whose symbols the exports are.

#![expect(missing_docs, reason = "the bindings are documented in wit/")]

use wasip2::http::outgoing_handler;
use wasip2::http::types::{ErrorCode, Fields, Method, OutgoingBody, OutgoingRequest, Scheme};
use wasmill::plugin::types::{Delivery, Error, Outgoing};

wit_bindgen::generate!({ path: "../../wit", world: "imports", generate_all });

pub use wasmill::plugin::types::{Failure, Message, Request, RetryLater};
pub use wasmill::plugin::{config, dedup, log, queue, state, timer, transaction, types};

/// Exports a world of the contract; the type of this name implements its interfaces.
#[macro_export]
macro_rules! world {
    ($world:literal, $component:ident) => {
        #[expect(
            unsafe_code,
            reason = "the exports are symbols, which bindings are made of"
        )]
        mod world {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                with: {
                    "wasmill:plugin/types@0.1.0": wasmill_test_guests::guest::types,
                    "wasmill:plugin/queue@0.1.0": wasmill_test_guests::guest::queue,
                    "wasmill:plugin/timer@0.1.0": wasmill_test_guests::guest::timer,
                    "wasmill:plugin/transaction@0.1.0": wasmill_test_guests::guest::transaction,
                    "wasmill:plugin/dedup@0.1.0": wasmill_test_guests::guest::dedup,
                    "wasmill:plugin/state@0.1.0": wasmill_test_guests::guest::state,
                    "wasmill:plugin/config@0.1.0": wasmill_test_guests::guest::config,
                    "wasmill:plugin/log@0.1.0": wasmill_test_guests::guest::log,
                },
            });

            use super::$component;

            export!($component);
        }
    };
}

/// Exports a function `fn(&Message) -> Result<(), Failure>` as the handler of a component.
#[macro_export]
macro_rules! handler {
    ($handle:ident) => {
        $crate::world!("step", Component);

        struct Component;

        impl world::exports::wasmill::plugin::handler::Guest for Component {
            fn handle(message: $crate::guest::Message) -> Result<(), $crate::guest::Failure> {
                $handle(&message)
            }
        }
    };
}

/// Sends `body` to `topic` without a key.
pub fn send(topic: &str, body: Vec<u8>) -> Result<String, Error> {
    queue::send(&Outgoing {
        topic: topic.to_owned(),
        key: None,
        tag: None,
        headers: Vec::new(),
        body,
        when: Delivery::Now,
    })
}

/// A failure that asks for a retry, with what went wrong as its cause.
pub fn retry(error: impl std::fmt::Debug) -> Failure {
    Failure::Retry(format!("{error:?}"))
}

/// Posts an empty body to `http://AUTHORITY/charge`, with this idempotency key if any; returns the
/// answer's status.
pub fn post(authority: &str, idempotency_key: Option<&str>) -> Result<u16, ErrorCode> {
    let headers = Fields::new();
    if let Some(key) = idempotency_key {
        let set = headers.set("idempotency-key", &[key.as_bytes().to_vec()]);
        set.map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    }
    let request = OutgoingRequest::new(headers);
    let malformed = |()| ErrorCode::HttpRequestUriInvalid;
    request.set_method(&Method::Post).map_err(malformed)?;
    request.set_scheme(Some(&Scheme::Http)).map_err(malformed)?;
    request.set_authority(Some(authority)).map_err(malformed)?;
    request
        .set_path_with_query(Some("/charge"))
        .map_err(malformed)?;
    let body = request.body().map_err(malformed)?;
    let pending = outgoing_handler::handle(request, None)?;
    OutgoingBody::finish(body, None)?;
    pending.subscribe().block();
    let answer = pending.get().expect("it is ready");
    Ok(answer.expect("it was not taken")?.status())
}
