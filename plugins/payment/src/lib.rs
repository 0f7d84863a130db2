//! payment: between an order and the third-party provider. Key: the payment id.
//! State: `payment`, one record, which is the payment's log as well.
//!
//! The provider hears of a payment between a half message and its commit, and each request to it
//! carries an `Idempotency-Key`: a handler that is run again asks for the same charge, and one whose
//! answer was lost is settled by the host's check-back. The order alone decides whether money counts.

pub mod domain;
mod door;
mod effects;
mod opening;
mod provider;
#[cfg(test)]
mod tests;

use wasmill_plugin_kit::messages::{Approved, Callback, Pay, PaymentState, PaymentVerdict, topic};
use wasmill_sdk::{Failure, Host, Http, Level, Message, Request, Response, Transactional, reject};

use domain::{Charge, Decision, Payment};
pub use door::admit;
use effects::{STATE, carry_out, poll_interval};
pub use opening::check;

wasmill_sdk::export!(handle, admit, answer, check);

/// Handles a message of the payment that is its key.
///
/// # Errors
/// What the host or the provider refused, or a message that is none of ours.
pub fn handle(host: &mut (impl Http + Transactional), message: &Message) -> Result<(), Failure> {
    let payment: Option<Payment> = host.load(STATE)?;
    match decide(host, payment, message)? {
        Some(decision) => carry_out(host, decision),
        None => Ok(()),
    }
}

/// Answers `GET /payments/{id}`; settled once it is no longer pending.
pub fn answer(host: &mut impl Host, _payment_id: &str, _request: &Request) -> Response {
    Response::of_state(host, STATE, "payment", |payment: Payment| {
        let view = payment.view();
        Response::ok(&view, view.state != PaymentState::Pending)
    })
}

/// What the message means for the payment; none if nothing.
fn decide(
    host: &mut (impl Http + Transactional),
    payment: Option<Payment>,
    message: &Message,
) -> Result<Option<Decision>, Failure> {
    if message.topic == topic::PAYMENT_REQUESTED {
        let Pay {
            payment_id,
            order_id,
        } = message.json()?;
        return Ok(payment
            .is_none()
            .then(|| domain::request(payment_id, order_id)));
    }
    let payment = payment.ok_or_else(|| reject("a message for a payment that does not exist"))?;
    match message.topic.as_str() {
        topic::PAYMENT_APPROVED => {
            let Approved {
                amount, deadline, ..
            } = message.json()?;
            Ok(domain::approved(payment, amount, deadline, host.now()))
        }
        topic::PAYMENT_DENIED => {
            let PaymentVerdict { cause, .. } = message.json()?;
            Ok(domain::denied(payment, cause))
        }
        topic::PAYMENT_CALLBACK => {
            let Callback {
                succeeded, amount, ..
            } = message.json()?;
            Ok(domain::called_back(payment, succeeded, amount))
        }
        topic::PAYMENT_POLL => poll(host, payment),
        topic::PAYMENT_OPENED => Ok(domain::opened(payment, host.now())),
        topic::PAYMENT_ACCEPTED => Ok(domain::accepted(payment)),
        topic::PAYMENT_REFUND => {
            let PaymentVerdict { cause, .. } = message.json()?;
            refund(host, payment, cause)
        }
        _ => Err(message.unexpected()),
    }
}

/// Asks the provider to charge, and later what became of it. A provider that does not answer is
/// asked again by the next timer, not by a retry: this must not end in a dead letter.
fn poll(
    host: &mut (impl Http + Transactional),
    mut payment: Payment,
) -> Result<Option<Decision>, Failure> {
    if !payment.awaits_provider() {
        return Ok(None);
    }
    let asked = match payment.opened {
        true => provider::look_up(host, &payment).map(|it| it.unwrap_or(Charge::Silent)),
        false => opening::open(host, &mut payment)?,
    };
    let charge = asked.unwrap_or_else(|failure| {
        let line = format_args!("payment {}: {failure}", payment.payment_id);
        host.log(Level::Warn, line);
        Charge::Silent
    });
    let interval = poll_interval(host)?;
    Ok(domain::on_charge(payment, charge, host.now(), interval))
}

fn refund(
    host: &mut impl Http,
    payment: Payment,
    cause: Option<String>,
) -> Result<Option<Decision>, Failure> {
    let Some(amount) = domain::to_refund(&payment) else {
        return Ok(None);
    };
    provider::refund(host, &payment, amount)?;
    Ok(Some(domain::refunded(payment, cause)))
}
