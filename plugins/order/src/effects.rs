//! The order's decisions as messages and timers.

use wasmill_plugin_kit::messages::{
    Approved, Credit, Debit, PaymentVerdict, ReleaseCoupon, ReleaseStock, Reserve, RevokePoints,
    UseCoupon, topic,
};
use wasmill_sdk::{Delivery, Failure, Host};

use crate::domain::{Decision, Effect, News, Order};
use crate::view::View;

/// The entry that holds an order.
pub(crate) const STATE: &str = "order";
/// An order has one timer: it watches the saga, and once confirmed the payment deadline.
const TIMER: &str = "due";

/// Saves the order and does what was decided.
pub(crate) fn carry_out(
    host: &mut impl Host,
    order_id: &str,
    decision: Decision,
) -> Result<(), Failure> {
    let Decision { order, effects } = decision;
    if let Some(order) = &order {
        host.save(STATE, order)?;
    }
    for effect in effects {
        carry_out_one(host, order_id, order.as_ref(), effect)?;
    }
    Ok(())
}

fn carry_out_one(
    host: &mut impl Host,
    order_id: &str,
    order: Option<&Order>,
    effect: Effect,
) -> Result<(), Failure> {
    let user_id = || order.map(|order| order.user_id.clone()).unwrap_or_default();
    match effect {
        Effect::ReserveStock { sku, quantity } => reserve_stock(host, order_id, sku, quantity),
        Effect::ReleaseStock { sku } => release_stock(host, order_id, sku),
        Effect::UseCoupon {
            coupon_id,
            goods_amount,
        } => use_coupon(host, order_id, user_id(), coupon_id, goods_amount),
        Effect::ReleaseCoupon { coupon_id } => release_coupon(host, order_id, coupon_id),
        Effect::DebitBalance { at_most } => debit(host, order_id, user_id(), at_most),
        Effect::CreditBalance => credit(host, order_id, user_id()),
        Effect::WakeAt(at) => Ok(host.set_timer(TIMER, Delivery::At(at), topic::ORDER_DUE)?),
        Effect::LetSleep => Ok(host.cancel_timer(TIMER).map(drop)?),
        Effect::Announce(news) => announce(host, order_id, order, news),
        Effect::ApprovePayment {
            payment_id,
            amount,
            deadline,
        } => approve(host, payment_id, amount, deadline),
        Effect::AcceptPayment { payment_id } => {
            judge(host, topic::PAYMENT_ACCEPTED, payment_id, None)
        }
        Effect::RefundPayment { payment_id, cause } => {
            judge(host, topic::PAYMENT_REFUND, payment_id, Some(cause))
        }
        Effect::RevokePoints => revoke_points(host, order_id, user_id()),
    }
}

fn reserve_stock(
    host: &mut impl Host,
    order_id: &str,
    sku: String,
    quantity: u64,
) -> Result<(), Failure> {
    let order_id = order_id.to_owned();
    let ask = Reserve {
        order_id,
        sku,
        quantity,
    };
    host.send(topic::STOCK_RESERVE, &ask.sku, &ask)
}

fn release_stock(host: &mut impl Host, order_id: &str, sku: String) -> Result<(), Failure> {
    let order_id = order_id.to_owned();
    let ask = ReleaseStock { order_id, sku };
    host.send(topic::STOCK_RELEASE, &ask.sku, &ask)
}

fn use_coupon(
    host: &mut impl Host,
    order_id: &str,
    user_id: String,
    coupon_id: String,
    goods_amount: u64,
) -> Result<(), Failure> {
    let ask = UseCoupon {
        order_id: order_id.to_owned(),
        coupon_id,
        user_id,
        goods_amount,
    };
    host.send(topic::COUPON_USE, &ask.coupon_id, &ask)
}

fn release_coupon(host: &mut impl Host, order_id: &str, coupon_id: String) -> Result<(), Failure> {
    let order_id = order_id.to_owned();
    let ask = ReleaseCoupon {
        order_id,
        coupon_id,
    };
    host.send(topic::COUPON_RELEASE, &ask.coupon_id, &ask)
}

fn debit(
    host: &mut impl Host,
    order_id: &str,
    user_id: String,
    at_most: u64,
) -> Result<(), Failure> {
    let order_id = order_id.to_owned();
    let ask = Debit {
        order_id,
        user_id,
        at_most,
    };
    host.send(topic::ACCOUNT_DEBIT, &ask.user_id, &ask)
}

fn credit(host: &mut impl Host, order_id: &str, user_id: String) -> Result<(), Failure> {
    let order_id = order_id.to_owned();
    let ask = Credit { order_id, user_id };
    host.send(topic::ACCOUNT_CREDIT, &ask.user_id, &ask)
}

fn revoke_points(host: &mut impl Host, order_id: &str, user_id: String) -> Result<(), Failure> {
    let order_id = order_id.to_owned();
    let ask = RevokePoints { order_id, user_id };
    host.send(topic::POINTS_REVOKE, &ask.user_id, &ask)
}

fn announce(
    host: &mut impl Host,
    order_id: &str,
    order: Option<&Order>,
    news: News,
) -> Result<(), Failure> {
    match order {
        Some(order) => host.send(topic_of(news), order_id, &View::of(order)),
        None => Ok(()),
    }
}

fn approve(
    host: &mut impl Host,
    payment_id: String,
    amount: u64,
    deadline: u64,
) -> Result<(), Failure> {
    let approved = Approved {
        payment_id,
        amount,
        deadline,
    };
    host.send(topic::PAYMENT_APPROVED, &approved.payment_id, &approved)
}

fn judge(
    host: &mut impl Host,
    topic: &str,
    payment_id: String,
    cause: Option<String>,
) -> Result<(), Failure> {
    let verdict = PaymentVerdict { payment_id, cause };
    host.send(topic, &verdict.payment_id, &verdict)
}

fn topic_of(news: News) -> &'static str {
    match news {
        News::Confirmed => topic::ORDER_CONFIRMED,
        News::Cancelled => topic::ORDER_CANCELLED,
        News::Invalid => topic::ORDER_INVALID,
        News::Paid => topic::ORDER_PAID,
        News::Finished => topic::ORDER_FINISHED,
        News::Refunded => topic::ORDER_REFUNDED,
        News::Unchanged => topic::ORDER_UNCHANGED,
    }
}
