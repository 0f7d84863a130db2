//! The provider's requests: charges and refunds, idempotent by their key.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::ledger::Charge;
use super::policy::Hiccup;
use super::{Desk, Outcome};

/// The body of `POST /charges`.
#[derive(Deserialize)]
pub(super) struct NewCharge {
    payment_id: String,
    order_id: String,
    amount: u64,
    callback_url: String,
}

/// The body of `POST /refunds`.
#[derive(Deserialize)]
pub(super) struct NewRefund {
    refund_id: String,
    payment_id: String,
    amount: u64,
}

/// `POST /charges`
pub(super) async fn create(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let request: NewCharge = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    if !has_key(&headers, &request.payment_id) {
        return refused(
            StatusCode::BAD_REQUEST,
            "Idempotency-Key must be the payment_id",
        );
    }
    let fate = desk.policy.fate(&request.payment_id);
    let hiccup = desk.ledger.hiccup(&request.payment_id, fate.hiccup);
    if hiccup == Some(Hiccup::Before) {
        return hiccuped();
    }
    let NewCharge {
        payment_id,
        order_id,
        amount,
        callback_url,
    } = request;
    let (charge, new) = desk.ledger.charge(&payment_id, &order_id, amount, fate);
    if new {
        desk.courier.deliver(&desk, charge.clone(), callback_url);
    }
    if hiccup == Some(Hiccup::After) {
        return hiccuped();
    }
    shown(&charge)
}

/// `GET /charges/{payment_id}`
pub(super) async fn show(
    State(desk): State<Arc<Desk>>,
    Path(payment_id): Path<String>,
) -> Response {
    match desk.ledger.get(&payment_id) {
        Some(charge) => shown(&charge),
        None => refused(StatusCode::NOT_FOUND, "there is no such payment"),
    }
}

/// `POST /refunds`
pub(super) async fn refund(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let NewRefund {
        refund_id,
        payment_id,
        amount,
    } = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    if !has_key(&headers, &refund_id) {
        return refused(
            StatusCode::BAD_REQUEST,
            "Idempotency-Key must be the refund_id",
        );
    }
    let hiccup = desk
        .ledger
        .hiccup(&refund_id, desk.policy.fate(&refund_id).hiccup);
    if hiccup == Some(Hiccup::Before) {
        return hiccuped();
    }
    match desk.ledger.refund(&refund_id, &payment_id, amount) {
        Err(cause) => refused(StatusCode::CONFLICT, &cause),
        Ok(()) if hiccup.is_some() => hiccuped(),
        Ok(()) => {
            let answer = json!({ "refund_id": refund_id, "state": Outcome::Succeeded });
            answered(StatusCode::OK, &answer)
        }
    }
}

fn has_key(headers: &HeaderMap, key: &str) -> bool {
    headers
        .get("idempotency-key")
        .is_some_and(|value| value == key)
}

fn shown(charge: &Charge) -> Response {
    let Charge {
        charge_id,
        payment_id,
        ..
    } = charge;
    let answer =
        json!({ "charge_id": charge_id, "payment_id": payment_id, "state": charge.shown() });
    answered(StatusCode::OK, &answer)
}

fn hiccuped() -> Response {
    refused(StatusCode::SERVICE_UNAVAILABLE, "a hiccup, ask again")
}

fn refused(status: StatusCode, error: &str) -> Response {
    answered(status, &json!({ "error": error }))
}

fn answered(status: StatusCode, body: &serde_json::Value) -> Response {
    (
        status,
        [("content-type", "application/json")],
        body.to_string(),
    )
        .into_response()
}
