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
    /// The order did not take the money, and the provider gave it back.
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

/// How much is to be given back, now that the order does not take the money. None if nothing, or
/// if it was given back before.
#[must_use]
pub fn to_refund(payment: &Payment) -> Option<u64> {
    if payment.stage == Stage::Charged {
        payment.charged
    } else {
        None
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
mod tests {
    use super::*;

    const DEADLINE: u64 = 1_000_000;

    fn asked() -> Payment {
        request("p1".to_owned(), "o1".to_owned()).payment
    }

    fn charging() -> Payment {
        after(approved(asked(), 1_800, DEADLINE, 0))
    }

    fn after(decision: Option<Decision>) -> Payment {
        decision.expect("the payment listens").payment
    }

    fn charged() -> Payment {
        after(called_back(charging(), true, 1_800))
    }

    #[test]
    fn a_success_is_offered_to_the_order_once() {
        let decision = called_back(charging(), true, 1_800).expect("news");
        assert_eq!(
            decision.effects,
            [Effect::StopPolling, Effect::OfferToOrder(1_800)]
        );
        assert_eq!(
            decision.payment.view().state,
            PaymentState::Pending,
            "the order decides"
        );
        assert_eq!(called_back(decision.payment, true, 1_800), None);
    }

    #[test]
    fn a_repeated_callback_changes_nothing_after_the_outcome() {
        let succeeded = after(accepted(charged()));
        assert_eq!(called_back(succeeded.clone(), true, 1_800), None);
        assert_eq!(called_back(succeeded.clone(), false, 1_800), None);
        assert_eq!(accepted(succeeded), None);
    }

    #[test]
    fn a_late_failure_does_not_undo_a_success_but_a_late_success_is_heard() {
        assert_eq!(called_back(charged(), false, 1_800), None);
        let failed = after(called_back(charging(), false, 1_800));
        assert_eq!(failed.view().state, PaymentState::Failed);
        assert_eq!(after(called_back(failed, true, 1_800)).charged, Some(1_800));
    }

    #[test]
    fn what_the_order_does_not_take_is_given_back_once() {
        let payment = after(called_back(charging(), true, 1_799));
        assert_eq!(
            to_refund(&payment),
            Some(1_799),
            "what was charged, not what was asked"
        );
        let refunded = refunded(payment, Some("wrong".to_owned())).payment;
        assert_eq!(refunded.view().state, PaymentState::Refunded);
        assert_eq!(to_refund(&refunded), None);
        assert_eq!(
            to_refund(&after(accepted(charged()))),
            None,
            "the order has it"
        );
    }

    #[test]
    fn an_answer_without_an_amount_waits_for_the_callback_that_has_one() {
        let mut payment = charging();
        for _ in 0..POLLS_BEFORE_BELIEVED {
            payment = after(on_charge(payment, Charge::Succeeded(None), 0, 100));
            assert!(payment.awaits_provider());
        }
        let payment = after(on_charge(payment, Charge::Succeeded(None), 0, 100));
        assert_eq!(payment.charged, Some(1_800));
        let named = after(on_charge(charging(), Charge::Succeeded(Some(1)), 0, 100));
        assert_eq!(named.charged, Some(1));
    }

    #[test]
    fn the_provider_is_asked_until_and_after_the_deadline_but_not_for_ever() {
        let (mut payment, mut now, mut times) = (charging(), 0, Vec::new());
        while let Some(decision) = on_charge(payment.clone(), Charge::Pending, now, 5_000) {
            let [Effect::PollAt(at)] = decision.effects[..] else {
                panic!("{decision:?}")
            };
            assert!(at > now, "time goes on");
            (payment, now) = (decision.payment, at);
            times.push(at);
        }
        assert_eq!(times[..3], [5_000, 15_000, 35_000]);
        assert!(
            times.contains(&DEADLINE),
            "when it has passed, the order is free"
        );
        assert_eq!(times.len(), POLLS_MAX as usize);
    }

    #[test]
    fn an_approval_that_comes_too_late_frees_the_order() {
        let refused = after(denied(asked(), Some("the order is unconfirmed".to_owned())));
        let decision = approved(refused, 1_800, DEADLINE, 0).expect("the order waits");
        assert_eq!(decision.effects, [Effect::FreeOrder]);
        assert_eq!(decision.payment.view().state, PaymentState::Refused);
        assert_eq!(approved(charged(), 1_800, DEADLINE, 0), None);
    }

    #[test]
    fn the_provider_is_asked_only_once_the_payment_is_durable() {
        let decision = approved(asked(), 1_800, DEADLINE, 7).expect("news");
        assert_eq!(decision.effects, [Effect::PollAt(7)]);
        assert!(decision.payment.awaits_provider());
        let late_refusal = denied(decision.payment, Some("the order is invalid".to_owned()));
        assert_eq!(late_refusal, None, "a charge may be under way");
    }
}
