//! The provider's protocol: charges, questions and refunds over HTTP.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::{Http, HttpAnswer, HttpRequest, encode};

use crate::domain::{Charge, Payment};

/// Two requests fit into a handler's deadline.
const TIMEOUT: Duration = Duration::from_secs(4);

#[derive(Serialize)]
struct ChargeBody<'a> {
    payment_id: &'a str,
    order_id: &'a str,
    amount: u64,
    callback_url: &'a str,
}

#[derive(Serialize)]
struct RefundBody<'a> {
    refund_id: &'a str,
    payment_id: &'a str,
    amount: u64,
}

/// What the provider says of a charge; the amount only if it likes to.
#[derive(Deserialize)]
struct ChargeAnswer {
    state: ChargeState,
    amount: Option<u64>,
}

#[derive(Deserialize)]
struct RefundAnswer {
    state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChargeState {
    Pending,
    Succeeded,
    Failed,
}

/// Asks for the payment's charge; again for the same one, as often as need be.
pub(crate) fn charge<H: Http>(host: &mut H, payment: &Payment) -> Result<Charge, String> {
    let callback_url = setting(host, "callback_url")?;
    let body = encode(&ChargeBody {
        payment_id: &payment.payment_id,
        order_id: &payment.order_id,
        amount: payment.amount,
        callback_url: &callback_url,
    });
    let answer = post(host, "/charges", &body, &payment.payment_id)?;
    match answer.status {
        200..300 => read(&answer),
        status if is_refusal(status) => Ok(Charge::Failed(format!(
            "the provider refused the charge with {status}"
        ))),
        status => Err(format!("the provider answered the charge with {status}")),
    }
}

/// Asks what became of the payment's charge. None if the provider never heard of it.
pub(crate) fn look_up<H: Http>(host: &mut H, payment: &Payment) -> Result<Option<Charge>, String> {
    look_up_id(host, &payment.payment_id)
}

/// As [`look_up`], by the payment's id.
pub(crate) fn look_up_id<H: Http>(host: &mut H, id: &str) -> Result<Option<Charge>, String> {
    let url = format!("{}/charges/{id}", provider_url(host)?);
    let request = HttpRequest {
        url: &url,
        post: None,
        idempotency_key: None,
        timeout: TIMEOUT,
    };
    let answer = host.fetch(request)?;
    match answer.status {
        200..300 => read(&answer).map(Some),
        404 => Ok(None),
        status => Err(format!("the provider answered the look-up with {status}")),
    }
}

/// Gives `amount` back. There is one refund of a payment, so its id follows from the payment's.
/// A refusal is tried again, and then a dead letter for a person: the money is the customer's.
pub(crate) fn refund<H: Http>(host: &mut H, payment: &Payment, amount: u64) -> Result<(), String> {
    let refund_id = format!("refund-{}", payment.payment_id);
    let payment_id = &payment.payment_id;
    let body = encode(&RefundBody {
        refund_id: &refund_id,
        payment_id,
        amount,
    });
    let answer = post(host, "/refunds", &body, &refund_id)?;
    match answer.status {
        200..300 => refunded(&answer),
        status => Err(format!("the provider answered the refund with {status}")),
    }
}

fn post<H: Http>(host: &mut H, path: &str, body: &[u8], key: &str) -> Result<HttpAnswer, String> {
    let url = format!("{}{path}", provider_url(host)?);
    host.fetch(HttpRequest {
        url: &url,
        post: Some(body),
        idempotency_key: Some(key),
        timeout: TIMEOUT,
    })
}

fn read(answer: &HttpAnswer) -> Result<Charge, String> {
    let ChargeAnswer { state, amount } = serde_json::from_slice(&answer.body)
        .map_err(|error| format!("the provider's answer cannot be read: {error}"))?;
    Ok(match state {
        ChargeState::Pending => Charge::Pending,
        ChargeState::Succeeded => Charge::Succeeded(amount),
        ChargeState::Failed => Charge::Failed("the provider did not charge".to_owned()),
    })
}

/// Only a provider that says so has given the money back.
fn refunded(answer: &HttpAnswer) -> Result<(), String> {
    let RefundAnswer { state } = serde_json::from_slice(&answer.body)
        .map_err(|error| format!("the provider's answer to a refund cannot be read: {error}"))?;
    match state.as_str() {
        "succeeded" => Ok(()),
        other => Err(format!("the provider says that the refund is `{other}`")),
    }
}

/// Whether asking again cannot help.
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && ![408, 409, 425, 429].contains(&status)
}

fn provider_url(host: &impl Http) -> Result<String, String> {
    Ok(setting(host, "provider_url")?
        .trim_end_matches('/')
        .to_owned())
}

fn setting(host: &impl Http, name: &str) -> Result<String, String> {
    host.config(name)
        .ok_or_else(|| format!("config `{name}` is missing in [plugins.payment]"))
}
