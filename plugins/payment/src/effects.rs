//! A payment's decisions as messages and timers.

use std::time::Duration;

use wasmill_plugin_kit::messages::{Charged, Pay, PaymentState, topic};
use wasmill_sdk::{Delivery, Failure, Host};

use crate::domain::{Decision, Effect, Payment};

/// The entry that holds a payment.
pub(crate) const STATE: &str = "payment";
/// The timer that asks the provider.
const TIMER: &str = "poll";

/// Saves the payment and does what was decided.
pub(crate) fn carry_out(host: &mut impl Host, decision: Decision) -> Result<(), Failure> {
    let Decision { payment, effects } = decision;
    host.save(STATE, &payment)?;
    effects
        .into_iter()
        .try_for_each(|effect| carry_out_one(host, &payment, effect))
}

/// How long after the first answer the provider is asked again, in milliseconds.
pub(crate) fn poll_interval(host: &impl Host) -> Result<u64, Failure> {
    let default = Duration::from_secs(5).into();
    let span: humantime::Duration = host.setting("poll_interval", default)?;
    Ok(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

fn carry_out_one(host: &mut impl Host, payment: &Payment, effect: Effect) -> Result<(), Failure> {
    let (payment_id, order_id) = (payment.payment_id.clone(), payment.order_id.clone());
    match effect {
        Effect::AskOrder => host.send(
            topic::ORDER_PAY,
            &payment.order_id,
            &Pay {
                payment_id,
                order_id,
            },
        ),
        Effect::OfferToOrder(amount) => {
            let charged = Charged {
                payment_id,
                order_id,
                amount,
            };
            host.send(topic::PAYMENT_CHARGED, &payment.order_id, &charged)
        }
        Effect::PollAt(at) => Ok(host.set_timer(TIMER, Delivery::At(at), topic::PAYMENT_POLL)?),
        Effect::StopPolling => Ok(host.cancel_timer(TIMER).map(drop)?),
        Effect::FreeOrder => host.send(topic::PAYMENT_FAILED, &payment.order_id, &payment.view()),
        Effect::Announce => {
            let view = payment.view();
            let topic = match view.state {
                PaymentState::Pending => return Ok(()),
                PaymentState::Succeeded => topic::PAYMENT_SUCCEEDED,
                PaymentState::Failed => topic::PAYMENT_FAILED,
                PaymentState::Refused => topic::PAYMENT_REFUSED,
                PaymentState::Refunded => topic::PAYMENT_REFUNDED,
            };
            host.send(topic, &payment.order_id, &view)
        }
    }
}
