//! Write plugins of Wasmill in Rust: typed messages and state, unit tests without a sandbox.
//!
//! A plugin is a function that is called with a message and a [`Host`], and a line that
//! [exports](export!) it. Whatever it does through the host becomes real when it returns `Ok`, all
//! of it at once, or not at all.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use wasmill_sdk::{Failure, Host, Message};
//!
//! wasmill_sdk::export!(handle);
//!
//! #[derive(Deserialize)]
//! struct Paid {
//!     amount: u64,
//! }
//!
//! #[derive(Serialize)]
//! struct Total {
//!     spent: u64,
//! }
//!
//! fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
//!     let user = message.key()?;
//!     let Paid { amount } = message.json()?;
//!     let spent = host.load("spent")?.unwrap_or(0) + amount;
//!     host.save("spent", &spent)?;
//!     host.send("user.spent", user, &Total { spent })
//! }
//!
//! // And its test, with the same function over a host in memory:
//! use wasmill_sdk::testing::TestHost;
//!
//! let mut host = TestHost::new();
//! host.deliver(handle, "order.paid", "ann", br#"{"amount": 4200}"#)?;
//! assert_eq!(host.scope("ann").load("spent")?, Some(4200));
//! assert_eq!(host.sent()[0].body, br#"{"spent":4200}"#);
//!
//! let failure = host.deliver(handle, "order.paid", "ann", br#"{"amount": "a lot"}"#);
//! assert!(failure.unwrap_err().cause().contains("`amount`: invalid type"));
//! # Ok::<(), Failure>(())
//! ```
//!
//! What a plugin does outside of its messages' commits stands in its handler's signature:
//! [`Files`], [`Transactional`], or `Http` with the feature `http`.

#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod export;
mod failure;
mod files;
mod gate;
mod host;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "ids")]
mod ids;
mod json;
pub mod limits;
mod message;
mod query;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

#[doc(hidden)]
pub mod bindings;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod sandbox;

pub use bindings::checker::{Half, Verdict};
pub use bindings::gate::{Accepted, Problem};
pub use bindings::query::Response;
pub use bindings::wasmill::plugin::log::Level;
pub use bindings::wasmill::plugin::timer::Alarm;
pub use bindings::wasmill::plugin::types::{Delivery, HalfState, Message, Outgoing, Request};
pub use failure::{Error, Failure, reject, retry, retry_after};
pub use files::Files;
pub use host::{Host, Transactional};
#[cfg(feature = "http")]
pub use http::Http;
#[cfg(feature = "ids")]
pub use ids::derive_id;

/// Two digits for each byte.
#[cfg(any(feature = "ids", target_arch = "wasm32"))]
fn hex<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> String {
    let digits = bytes.into_iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}
