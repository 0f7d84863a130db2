//! What the seller does with an order that was sold: is done with it, or takes it back.
//!
//! A refund is decided at once and for good, of a finished order too. What the shop itself holds
//! goes back with the decision; the money goes back through the provider, which may take days, and
//! until then the order shows as refunded and still paid.

use super::{Decision, Effect, News, Order, PayStatus, Status};

/// Why an order is none that the seller can finish or refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSold {
    /// There is no such order.
    #[error("unknown order")]
    Unknown,
    /// It is not confirmed.
    #[error("the order is {0}")]
    NotConfirmed(&'static str),
    /// It is not paid.
    #[error("the order is not paid")]
    NotPaid,
}

/// Finishes a paid order; a finished one stays so.
///
/// # Errors
/// Why it cannot be finished.
pub fn finish(order: Option<Order>) -> Result<Decision, NotSold> {
    let mut order = order.ok_or(NotSold::Unknown)?;
    if order.status == Status::Finished {
        return Ok(Decision::of(order, vec![Effect::Announce(News::Unchanged)]));
    }
    order.sold()?;
    order.status = Status::Finished;
    Ok(Decision::of(order, vec![Effect::Announce(News::Finished)]))
}

/// Takes a paid order back, finished or not; a refunded one stays so.
///
/// # Errors
/// Why it cannot be refunded.
pub fn refund(order: Option<Order>) -> Result<Decision, NotSold> {
    let mut order = order.ok_or(NotSold::Unknown)?;
    if order.status == Status::Refunded {
        return Ok(Decision::of(order, vec![Effect::Announce(News::Unchanged)]));
    }
    order.sold()?;
    order.status = Status::Refunded;
    let mut effects = order.give_back();
    effects.push(Effect::RevokePoints);
    let charged = order.payment_id.clone();
    match charged.filter(|_| order.amounts.pay_amount > 0) {
        Some(payment_id) => effects.push(Effect::RefundPayment {
            payment_id,
            cause: "the seller refunds the order".to_owned(),
        }),
        // Coupon and balance paid all of it: the provider has nothing to give back.
        None => {
            order.pay_status = PayStatus::Refunded;
            effects.push(Effect::Announce(News::Refunded));
        }
    }
    Ok(Decision::of(order, effects))
}

/// The provider has given a payment's money back. None if it is none that the order had taken, or
/// if it said so before.
#[must_use]
pub fn money_returned(mut order: Order, payment_id: &str) -> Option<Decision> {
    let waits = order.status == Status::Refunded && order.pay_status == PayStatus::Paid;
    if !waits || order.payment_id.as_deref() != Some(payment_id) {
        return None;
    }
    order.pay_status = PayStatus::Refunded;
    Some(Decision::of(order, vec![Effect::Announce(News::Refunded)]))
}

impl Order {
    /// Refuses an order that is not confirmed or finished, and paid.
    fn sold(&self) -> Result<(), NotSold> {
        match (self.status, self.pay_status) {
            (Status::Confirmed | Status::Finished, PayStatus::Paid) => Ok(()),
            (Status::Confirmed | Status::Finished, _) => Err(NotSold::NotPaid),
            (status, _) => Err(NotSold::NotConfirmed(status.as_str())),
        }
    }
}
