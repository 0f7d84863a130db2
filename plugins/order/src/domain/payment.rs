//! An order and its money: one open payment, the right amount, in time.

use super::{Decision, Effect, News, Order, PayStatus, Status};

/// Why an order does not let a payment charge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There is no such order.
    #[error("unknown order")]
    Unknown,
    /// It can not be paid, or not yet.
    #[error("the order is {0}")]
    NotConfirmed(&'static str),
    /// It is paid.
    #[error("the order is already paid")]
    AlreadyPaid,
    /// Its time is over.
    #[error("the order's payment deadline has passed")]
    TooLate,
    /// Another payment is open.
    #[error("another payment of the order is open: {0}")]
    AnotherOpen(String),
}

/// A payment asks what to charge.
///
/// # Errors
/// Why it must not.
pub fn pay(order: Option<Order>, payment_id: &str, now: u64) -> Result<Decision, Denied> {
    let mut order = order.ok_or(Denied::Unknown)?;
    if order.status != Status::Confirmed {
        return Err(Denied::NotConfirmed(order.status.as_str()));
    }
    // Coupon and balance paid all of it: its one payment succeeds with nothing to charge.
    let for_free = order.amounts.pay_amount == 0;
    match (order.pay_status, &order.payment_id) {
        (PayStatus::Unpaid, _) => order.pay_status = PayStatus::Paying,
        (PayStatus::Paid, None) if for_free => {}
        (PayStatus::Paid, Some(open)) if for_free && open == payment_id => {}
        (PayStatus::Paid | PayStatus::Refunded, _) => return Err(Denied::AlreadyPaid),
        (PayStatus::Paying, Some(open)) if open != payment_id => {
            return Err(Denied::AnotherOpen(open.clone()));
        }
        (PayStatus::Paying, _) => {}
    }
    if order.deadline.is_some_and(|deadline| now >= deadline) {
        return Err(Denied::TooLate);
    }
    order.payment_id = Some(payment_id.to_owned());
    let approved = Effect::ApprovePayment {
        payment_id: payment_id.to_owned(),
        amount: order.amounts.pay_amount,
        deadline: order.deadline.unwrap_or(now),
    };
    Ok(Decision::of(order, vec![approved]))
}

/// Money has come. The order takes it, or has it given back. It takes the right amount from any
/// payment while it is unpaid, the open one or not: the money is there. None if it took this
/// payment before, whether or not it has given it back since.
#[must_use]
pub fn charged(order: Option<Order>, payment_id: &str, amount: u64) -> Option<Decision> {
    let refund = |order: Option<Order>, cause: &str| {
        let payment_id = payment_id.to_owned();
        let effect = Effect::RefundPayment {
            payment_id,
            cause: cause.to_owned(),
        };
        Some(Decision {
            order,
            effects: vec![effect],
        })
    };
    let Some(mut order) = order else {
        return refund(None, "unknown order");
    };
    let is_open = order.payment_id.as_deref() == Some(payment_id);
    if is_open && order.was_paid() {
        return None;
    }
    if order.pay_status == PayStatus::Paid && order.status != Status::Refunded {
        return refund(None, "the order is already paid");
    }
    if order.status != Status::Confirmed {
        return refund(None, &format!("the order is {}", order.status.as_str()));
    }
    if amount != order.amounts.pay_amount {
        let released = is_open.then(|| order.payable_again());
        return refund(released, "the amount charged is not the order's");
    }
    order.pay_status = PayStatus::Paid;
    order.payment_id = Some(payment_id.to_owned());
    let accept = Effect::AcceptPayment {
        payment_id: payment_id.to_owned(),
    };
    Some(Decision::of(
        order,
        vec![Effect::LetSleep, accept, Effect::Announce(News::Paid)],
    ))
}

/// The payment charges nothing: the order can be paid by another one. None if it does not wait for
/// this one.
#[must_use]
pub fn not_charged(mut order: Order, payment_id: &str) -> Option<Decision> {
    let is_open = order.payment_id.as_deref() == Some(payment_id);
    if !is_open || order.status != Status::Confirmed {
        return None;
    }
    match order.pay_status {
        PayStatus::Paying => Some(Decision::of(order.payable_again(), vec![])),
        // There was nothing to charge: it stays paid, without this payment.
        PayStatus::Paid if order.amounts.pay_amount == 0 => {
            order.payment_id = None;
            Some(Decision::of(order, vec![]))
        }
        PayStatus::Paid | PayStatus::Unpaid | PayStatus::Refunded => None,
    }
}

/// The payment deadline of a confirmed order. None if it is paid.
pub(super) fn expired(mut order: Order, now: u64) -> Option<Decision> {
    let deadline = order.deadline?;
    if order.was_paid() {
        return None;
    }
    if now < deadline {
        return Some(Decision {
            order: None,
            effects: vec![Effect::WakeAt(deadline)],
        });
    }
    let mut effects = order.give_back();
    order.status = Status::Invalid;
    // A payment that is still open and comes through finds an invalid order, and is refunded.
    order.pay_status = PayStatus::Unpaid;
    order.cause = Some("not paid in time".to_owned());
    effects.push(Effect::Announce(News::Invalid));
    Some(Decision::of(order, effects))
}

impl Order {
    /// Whether it took a payment's money, though it may have given it back since.
    fn was_paid(&self) -> bool {
        matches!(self.pay_status, PayStatus::Paid | PayStatus::Refunded)
    }

    fn payable_again(mut self) -> Self {
        self.pay_status = PayStatus::Unpaid;
        self.payment_id = None;
        self
    }
}
