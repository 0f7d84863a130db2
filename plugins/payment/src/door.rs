//! `POST /payments` and the provider's `POST /payments/callback`.

use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use wasmill_plugin_kit::check_id;
use wasmill_plugin_kit::messages::{Callback, Pay};
use wasmill_sdk::{Accepted, Host, Problem, Request};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayBody {
    order_id: String,
}

/// The provider may say more than we know: its protocol is its own.
#[derive(Deserialize)]
struct CallbackBody {
    payment_id: String,
    state: CallbackState,
    amount: u64,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum CallbackState {
    Succeeded,
    Failed,
}

/// Lets a request in, or says what is wrong with it.
///
/// # Errors
/// The problem.
pub fn admit(host: &mut impl Host, request: &Request) -> Result<Accepted, Problem> {
    match (request.method.as_str(), request.segments().as_slice()) {
        ("POST", ["payments"]) => pay(host, request),
        ("POST", ["payments", "callback"]) => callback(host, request),
        _ => Err(Problem::no_such_route(request)),
    }
}

fn pay(host: &mut impl Host, request: &Request) -> Result<Accepted, Problem> {
    let PayBody { order_id } = request.json()?;
    check_id(&order_id, "order_id")?;
    let repeatable = request.idempotent_id("payment", &order_id)?;
    let payment_id = repeatable.clone().unwrap_or_else(|| host.random_id());
    let answer = serde_json::json!({ "payment_id": payment_id });
    let accepted = Accepted::json(
        &payment_id,
        &Pay {
            payment_id: payment_id.clone(),
            order_id,
        },
        &answer,
    )?;
    Ok(match repeatable {
        Some(payment_id) => accepted.once(payment_id),
        None => accepted,
    })
}

/// No dedup id: a repeated callback changes nothing by the payment's own rules, and a different
/// one for the same payment must be heard, not refused.
fn callback(host: &mut impl Host, request: &Request) -> Result<Accepted, Problem> {
    let secret = host
        .config("provider_secret")
        .filter(|secret| !secret.is_empty());
    let secret = secret.ok_or_else(|| {
        Problem::unauthorized("no `provider_secret` is configured, so no callback can be trusted")
    })?;
    if !is_signed(request, secret.as_bytes()) {
        return Err(Problem::unauthorized(
            "`X-Signature` does not sign this body",
        ));
    }
    let CallbackBody {
        payment_id,
        state,
        amount,
    } = request.json()?;
    check_id(&payment_id, "payment_id")?;
    let succeeded = state == CallbackState::Succeeded;
    let callback = Callback {
        payment_id,
        succeeded,
        amount,
    };
    let answer = serde_json::json!({});
    Accepted::json(&callback.payment_id, &callback, &answer)
}

/// Whether `X-Signature` is the HMAC of the raw body; compared in constant time.
fn is_signed(request: &Request, secret: &[u8]) -> bool {
    let signature = request
        .header("x-signature")
        .and_then(|value| value.strip_prefix("sha256="));
    let Some(signature) = signature.and_then(|value| hex::decode(value).ok()) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return false;
    };
    mac.update(&request.body);
    mac.verify_slice(&signature).is_ok()
}
