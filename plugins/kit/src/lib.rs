//! What the bundled plugins share: the contract's types, the host behind a trait (so that a
//! plugin's handlers run natively in tests as they run in the sandbox), JSON in and out, and the
//! shop's vocabulary of messages. No business rule lives here.

mod component;
mod door;
mod failure;
mod generated;
mod host;
mod id;
mod json;
pub mod messages;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;

#[doc(hidden)]
pub use generated::wasmill::plugin as imports;
#[doc(hidden)]
pub use wit_bindgen;

pub use door::{Accepted, Door, Problem, Response};
pub use failure::{reject, retry};
pub use generated::wasmill::plugin::log::Level;
pub use generated::wasmill::plugin::types::{
    Delivery, Error, Failure, HalfState, Message, Outgoing, Request,
};
pub use host::{Files, Half, Host, Http, HttpAnswer, HttpRequest, Transactional, Verdict};
pub use id::derive_id;
pub use json::{decode, encode};
