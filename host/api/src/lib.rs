//! HTTP. Over one listener the operator's routes, probes and metrics:
//!
//! - `POST`, `PUT`, `PATCH`, `DELETE` on an ingress route: a request becomes a durable message
//! - `GET`, `HEAD` on a query route: answered from durable state
//! - `/healthz`, `/readyz`, `/metrics`
//!
//! and the data API, `/v1/...`, over another one: for operators and their tools.
//!
//! It knows the platform only as a [`Platform`], and nothing of stores and WebAssembly.

mod api;
mod body;
mod check_back;
mod data;
mod dispatch;
mod error;
mod ingress;
mod limits;
mod metrics;
mod platform;
mod probes;
mod query;
mod request;
mod server;
mod table;
mod template;
mod wait;

#[cfg(test)]
mod tests;

pub use api::Api;
pub use check_back::HttpCheckBack;
pub use data::{Access, Acting, Control, Damages, LookUp, Operator, Token, Trying};
pub use limits::Limits;
pub use metrics::Metrics;
pub use platform::Platform;
pub use server::{Service, listen, serve};
pub use table::TableError;
