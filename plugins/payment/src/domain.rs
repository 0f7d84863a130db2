//! The life of a payment. A charge that the provider reports is the order's to judge; until then
//! the payment is pending.

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::{PaymentState, PaymentView};

/// The longest time between two questions to the provider until the deadline, in milliseconds.
const POLL_INTERVAL_MS_MAX: u64 = 60_000;
/// And after it: the money may still come, and must then be given back.
const LATE_POLL_INTERVAL_MS: u64 = 3_600_000;
/// After so many questions, a week or more, only a callback can tell.
const POLLS_MAX: u32 = 200;

/// How many answers without an amount are not yet believed. The callback carries the amount, and a
/// charge of the wrong one must not count: it gets this long to arrive first.
const POLLS_BEFORE_BELIEVED: u32 = 2;

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The payment.
    pub payment_id: String,
    /// What it pays.
    pub order_id: String,
    /// What is to be charged; nothing while the order was not asked.
    pub amount: u64,
    /// How far it is.
    pub stage: Stage,
    /// What was charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<u64>,
    /// Until when the provider is asked.
    pub deadline: u64,
    /// How often it was asked.
    pub polls: u32,
    /// Whether it has the charge.
    #[serde(default)]
    pub opened: bool,
    /// Why it failed, was refused or refunded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// How far a payment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The order is asked.
    Asked,
    /// The provider is asked.
    Charging,
    /// The provider has charged, and the order is asked whether it takes the money.
    Charged,
    /// The order took the money.
    Succeeded,
    /// The provider did not charge.
    Failed,
    /// The order did not want to be paid.
    Refused,
    /// The order did not take the money, or has it no more: the provider gave it back.
    Refunded,
}

/// What the provider says of a charge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charge {
    /// It does not know yet.
    Pending,
    /// It has charged: this much, or as much as it was asked to.
    Succeeded(Option<u64>),
    /// It did not charge.
    Failed(String),
    /// Nothing: it could not be reached.
    Silent,
}

/// What becomes of a payment, and what is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// To save.
    pub payment: Payment,
    /// In this order.
    pub effects: Vec<Effect>,
}

/// Something to be done for a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask the order what to charge.
    AskOrder,
    /// Ask the order whether it takes this much.
    OfferToOrder(u64),
    /// Ask the provider at this time.
    PollAt(u64),
    /// Do not ask the provider any more.
    StopPolling,
    /// Tell the order not to wait for this payment.
    FreeOrder,
    /// Tell everyone how it is now.
    Announce,
}

/// A new payment.
#[must_use]
pub fn request(payment_id: String, order_id: String) -> Decision {
    let payment = Payment {
        payment_id,
        order_id,
        amount: 0,
        stage: Stage::Asked,
        charged: None,
        deadline: 0,
        polls: 0,
        opened: false,
        cause: None,
    };
    Decision {
        payment,
        effects: vec![Effect::AskOrder],
    }
}

/// The order can be paid. None if it said so before. The provider is asked by the timer, at once,
/// and not here: that this payment charges must be durable before the provider hears of it, or a
/// charge could outlive a handler that failed, with nobody left to ask for it.
#[must_use]
pub fn approved(mut payment: Payment, amount: u64, deadline: u64, now: u64) -> Option<Decision> {
    match payment.stage {
        // Coupon and balance paid all of it.
        Stage::Asked if amount == 0 => Some(payment.at(Stage::Succeeded, vec![Effect::Announce])),
        Stage::Asked => {
            payment.amount = amount;
            payment.deadline = deadline;
            Some(payment.at(Stage::Charging, vec![Effect::PollAt(now)]))
        }
        // A question asked twice: the order has the second answer and waits for this payment.
        Stage::Failed | Stage::Refused | Stage::Refunded => Some(Decision {
            payment,
            effects: vec![Effect::FreeOrder],
        }),
        Stage::Charging | Stage::Charged | Stage::Succeeded => None,
    }
}

/// The order does not want to be paid. None if it has said something before.
#[must_use]
pub fn denied(mut payment: Payment, cause: Option<String>) -> Option<Decision> {
    if payment.stage != Stage::Asked {
        return None;
    }
    payment.cause = cause;
    Some(payment.at(Stage::Refused, vec![Effect::Announce]))
}

/// The provider has the charge, though its answer was lost: it is asked at once what became of it.
/// None if that is known.
#[must_use]
pub fn opened(mut payment: Payment, now: u64) -> Option<Decision> {
    if payment.stage != Stage::Charging || payment.opened {
        return None;
    }
    payment.opened = true;
    Some(payment.at(Stage::Charging, vec![Effect::PollAt(now)]))
}

/// What the provider answers. None if it says nothing new.
#[must_use]
pub fn on_charge(payment: Payment, charge: Charge, now: u64, interval: u64) -> Option<Decision> {
    if payment.stage != Stage::Charging {
        return None;
    }
    match charge {
        Charge::Succeeded(Some(amount)) => Some(payment.offered(amount)),
        Charge::Succeeded(None) if payment.polls >= POLLS_BEFORE_BELIEVED => {
            let as_asked = payment.amount;
            Some(payment.offered(as_asked))
        }
        Charge::Failed(cause) => Some(payment.failed(cause)),
        _ if payment.polls >= POLLS_MAX => None,
        Charge::Succeeded(None) | Charge::Pending | Charge::Silent => {
            Some(payment.polled(now, interval))
        }
    }
}

/// What the provider calls back with. None if it says nothing new. A failure is not believed
/// after a success, a success always: the callbacks may come in any order, and the money is there.
#[must_use]
pub fn called_back(payment: Payment, succeeded: bool, amount: u64) -> Option<Decision> {
    match (payment.stage, succeeded) {
        (Stage::Asked | Stage::Charging | Stage::Failed | Stage::Refused, true) => {
            Some(payment.offered(amount))
        }
        (Stage::Asked | Stage::Charging, false) => {
            Some(payment.failed("the provider did not charge".to_owned()))
        }
        _ => None,
    }
}

/// The order takes the money. None if none was offered.
#[must_use]
pub fn accepted(payment: Payment) -> Option<Decision> {
    let offered = payment.stage == Stage::Charged;
    offered.then(|| payment.at(Stage::Succeeded, vec![Effect::Announce]))
}

/// How much is to be given back, now that the order does not take the money, or that the seller has
/// taken the order back. None if nothing, or if it was given back before. A payment that is still
/// only charged may have been taken: the order's word of that is overtaken, and comes too late.
#[must_use]
pub fn to_refund(payment: &Payment) -> Option<u64> {
    match payment.stage {
        Stage::Charged | Stage::Succeeded => payment.charged,
        Stage::Asked | Stage::Charging | Stage::Failed | Stage::Refused | Stage::Refunded => None,
    }
}

/// The provider has given the money back.
#[must_use]
pub fn refunded(mut payment: Payment, cause: Option<String>) -> Decision {
    payment.cause = cause;
    payment.at(Stage::Refunded, vec![Effect::Announce])
}

impl Payment {
    /// Whether the provider's word is what is missing.
    #[must_use]
    pub fn awaits_provider(&self) -> bool {
        self.stage == Stage::Charging
    }

    /// Whether no charge may be begun any more. What the provider says of an earlier one counts.
    #[must_use]
    pub fn is_too_late(&self, now: u64) -> bool {
        now >= self.deadline
    }

    /// As `GET /payments/{id}` shows it.
    #[must_use]
    pub fn view(&self) -> PaymentView {
        PaymentView {
            payment_id: self.payment_id.clone(),
            order_id: self.order_id.clone(),
            amount: self.amount,
            state: match self.stage {
                Stage::Asked | Stage::Charging | Stage::Charged => PaymentState::Pending,
                Stage::Succeeded => PaymentState::Succeeded,
                Stage::Failed => PaymentState::Failed,
                Stage::Refused => PaymentState::Refused,
                Stage::Refunded => PaymentState::Refunded,
            },
            cause: self.cause.clone(),
        }
    }

    fn at(mut self, stage: Stage, effects: Vec<Effect>) -> Decision {
        self.stage = stage;
        Decision {
            payment: self,
            effects,
        }
    }

    fn offered(mut self, amount: u64) -> Decision {
        self.charged = Some(amount);
        self.cause = None;
        self.at(
            Stage::Charged,
            vec![Effect::StopPolling, Effect::OfferToOrder(amount)],
        )
    }

    fn failed(mut self, cause: String) -> Decision {
        self.cause = Some(cause);
        self.at(Stage::Failed, vec![Effect::StopPolling, Effect::Announce])
    }

    /// Asks again, later and later; and just when the deadline has passed.
    fn polled(mut self, now: u64, interval: u64) -> Decision {
        let backoff = interval.max(1).saturating_mul(1 << self.polls.min(16));
        let at = if self.is_too_late(now) {
            now + backoff.min(LATE_POLL_INTERVAL_MS)
        } else {
            (now + backoff.min(POLL_INTERVAL_MS_MAX)).min(self.deadline)
        };
        self.polls += 1;
        Decision {
            payment: self,
            effects: vec![Effect::PollAt(at)],
        }
    }
}

#[cfg(test)]
mod tests;
