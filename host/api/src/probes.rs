//! `/healthz`, `/readyz` and `/metrics`: for those who operate the host.

use std::sync::Arc;

use axum::extract::State as Extracted;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use serde::Serialize;
use wasmill_model::Name;

use crate::Platform;
use crate::api::State;

/// The process works.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// Why not.
    reasons: Vec<&'static str>,
    /// Plugins that the routes name and that are not in service.
    plugins_missing: Vec<Name>,
}

/// Requests may come: the platform has recovered and is not stopping.
///
/// A missing plugin is shown and does not count: messages for it are kept, and a load balancer
/// that turned away from the host would stop the plugins that do serve.
pub(crate) async fn readyz<P: Platform>(Extracted(state): Extracted<Arc<State<P>>>) -> Response {
    let mut reasons = Vec::new();
    let opened = state.opened();
    if opened.is_none() {
        reasons.push("the host is starting");
    }
    if *state.stopping.borrow() {
        reasons.push("the host is stopping");
    }
    let plugins_missing = opened.map_or_else(Vec::new, |opened| (opened.missing)());
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let readiness = Readiness {
        ready,
        reasons,
        plugins_missing,
    };
    let body = serde_json::to_vec(&readiness).expect("texts are JSON");
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// All counters in the OpenMetrics text format.
pub(crate) async fn metrics<P: Platform>(Extracted(state): Extracted<Arc<State<P>>>) -> Response {
    let mut text = String::new();
    encode(&mut text, &state.registry).expect("a string takes all that is written");
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text).into_response()
}
