//! The request for a charge, inside a half message: `payment.opened` is delivered if and only if
//! the provider has the charge, whatever crashes between its answer and our commit.

use wasmill_plugin_kit::messages::{Pay, topic};
use wasmill_sdk::{Failure, Half, HalfState, Http, Outgoing, Transactional, Verdict};

use crate::domain::{Charge, Payment};
use crate::provider;

/// The half message.
const OPENED: &str = "opened";

/// Asks the provider to charge. An answer that was lost leaves the half message to the next
/// question, or to a check-back. Past the deadline it only asks what there is, and begins no
/// charge: the order could not take the money.
pub(crate) fn open(
    host: &mut (impl Http + Transactional),
    payment: &mut Payment,
) -> Result<Result<Charge, Failure>, Failure> {
    match host.prepare(OPENED, message(payment)?)? {
        HalfState::Prepared => {}
        HalfState::Committed => {
            payment.opened = true;
            let charge = provider::look_up(host, payment);
            return Ok(charge.map(|it| it.unwrap_or(Charge::Silent)));
        }
        // The provider had never heard of it then. The next question begins anew, and looks first.
        HalfState::RolledBack => return Ok(Ok(Charge::Silent)),
    }
    let asked = ask(host, payment);
    match &asked {
        Ok(Charge::Failed(_)) => drop(host.roll_back(OPENED)?),
        Ok(_) => {
            host.commit(OPENED)?;
            payment.opened = true;
        }
        Err(_) => {}
    }
    Ok(asked)
}

/// Tells what is to become of the half message of a request whose answer was lost.
pub fn check(host: &mut impl Http, half: &Half) -> Verdict {
    match provider::look_up_id(host, &half.scope_key) {
        Ok(Some(_)) => Verdict::Commit,
        // The request may be on its way.
        Ok(None) if half.checks == 0 => {
            Verdict::Unknown("the provider has not heard of it yet".to_owned())
        }
        Ok(None) => Verdict::Rollback,
        Err(failure) => Verdict::Unknown(failure.to_string()),
    }
}

fn ask(host: &mut impl Http, payment: &Payment) -> Result<Charge, Failure> {
    let too_late = payment.is_too_late(host.now());
    // Too late even a first question looks up: a handler that failed may have begun the charge.
    if (payment.polls > 0 || too_late)
        && let Some(charge) = provider::look_up(host, payment)?
    {
        return Ok(charge);
    }
    if too_late {
        return Ok(Charge::Failed("deadline passed".to_owned()));
    }
    // The first question, or one that never reached the provider.
    provider::charge(host, payment)
}

fn message(payment: &Payment) -> Result<Outgoing, Failure> {
    let pay = Pay {
        payment_id: payment.payment_id.clone(),
        order_id: payment.order_id.clone(),
    };
    Ok(Outgoing::json(topic::PAYMENT_OPENED, &pay)?.with_key(&payment.payment_id))
}
