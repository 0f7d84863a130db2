//! The provider's protocol: charges, questions and refunds over HTTP.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasmill_sdk::http::{Answer, Request};
use wasmill_sdk::{Failure, Http, retry};

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
pub(crate) fn charge(host: &mut impl Http, payment: &Payment) -> Result<Charge, Failure> {
    let callback_url = setting(host, "callback_url")?;
    let body = ChargeBody {
        payment_id: &payment.payment_id,
        order_id: &payment.order_id,
        amount: payment.amount,
        callback_url: &callback_url,
    };
    let answer = post(host, "/charges", &body, &payment.payment_id)?;
    match answer.status {
        200..300 => read(&answer),
        status if is_refusal(status) => Ok(Charge::Failed(format!(
            "the provider refused the charge with {status}"
        ))),
        status => Err(retry(format!(
            "the provider answered the charge with {status}"
        ))),
    }
}

/// Asks what became of the payment's charge. None if the provider never heard of it.
pub(crate) fn look_up(host: &mut impl Http, payment: &Payment) -> Result<Option<Charge>, Failure> {
    look_up_id(host, &payment.payment_id)
}

/// As [`look_up`], by the payment's id.
pub(crate) fn look_up_id(host: &mut impl Http, id: &str) -> Result<Option<Charge>, Failure> {
    let url = format!("{}/charges/{id}", provider_url(host)?);
    let answer = host.fetch(Request::get(url).with_timeout(TIMEOUT))?;
    match answer.status {
        200..300 => read(&answer).map(Some),
        404 => Ok(None),
        status => Err(retry(format!(
            "the provider answered the look-up with {status}"
        ))),
    }
}

/// Gives `amount` back. There is one refund of a payment, so its id follows from the payment's.
/// A refusal is tried again, and then a dead letter for a person: the money is the customer's.
pub(crate) fn refund(host: &mut impl Http, payment: &Payment, amount: u64) -> Result<(), Failure> {
    let refund_id = format!("refund-{}", payment.payment_id);
    let body = RefundBody {
        refund_id: &refund_id,
        payment_id: &payment.payment_id,
        amount,
    };
    let answer = post(host, "/refunds", &body, &refund_id)?;
    match answer.status {
        200..300 => refunded(&answer),
        status => Err(retry(format!(
            "the provider answered the refund with {status}"
        ))),
    }
}

fn post(
    host: &mut impl Http,
    path: &str,
    body: &impl Serialize,
    key: &str,
) -> Result<Answer, Failure> {
    let url = format!("{}{path}", provider_url(host)?);
    let request = Request::post(url, body)?.with_idempotency_key(key);
    Ok(host.fetch(request.with_timeout(TIMEOUT))?)
}

fn read(answer: &Answer) -> Result<Charge, Failure> {
    let ChargeAnswer { state, amount } = answer.json()?;
    Ok(match state {
        ChargeState::Pending => Charge::Pending,
        ChargeState::Succeeded => Charge::Succeeded(amount),
        ChargeState::Failed => Charge::Failed("the provider did not charge".to_owned()),
    })
}

/// Only a provider that says so has given the money back.
fn refunded(answer: &Answer) -> Result<(), Failure> {
    let RefundAnswer { state } = answer.json()?;
    match state.as_str() {
        "succeeded" => Ok(()),
        other => Err(retry(format!(
            "the provider says that the refund is `{other}`"
        ))),
    }
}

/// Whether asking again cannot help.
fn is_refusal(status: u16) -> bool {
    (400..500).contains(&status) && ![408, 409, 425, 429].contains(&status)
}

fn provider_url(host: &impl Http) -> Result<String, Failure> {
    Ok(setting(host, "provider_url")?
        .trim_end_matches('/')
        .to_owned())
}

fn setting(host: &impl Http, name: &str) -> Result<String, Failure> {
    host.config(name)
        .ok_or_else(|| retry(format!("config `{name}` is missing in [plugins.payment]")))
}
