//! The order's decisions as messages and timers.

use wasmill_plugin_kit::messages::{
    Approved, Credit, Debit, PaymentVerdict, ReleaseCoupon, ReleaseStock, Reserve, UseCoupon, topic,
};
use wasmill_plugin_kit::{Failure, Host};

use crate::domain::{Decision, Effect, News, Order};
use crate::view::View;

/// The entry that holds an order.
pub(crate) const STATE: &str = "order";
/// An order has one timer: it watches the saga, and once confirmed the payment deadline.
const TIMER: &str = "due";

/// Saves the order and does what was decided.
pub(crate) fn carry_out<H: Host>(
    host: &mut H,
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

fn carry_out_one<H: Host>(
    host: &mut H,
    order_id: &str,
    order: Option<&Order>,
    effect: Effect,
) -> Result<(), Failure> {
    let user_id = || order.map(|order| order.user_id.clone()).unwrap_or_default();
    let order_id = order_id.to_owned();
    match effect {
        Effect::ReserveStock { sku, quantity } => {
            let key = sku.clone();
            host.send(
                topic::STOCK_RESERVE,
                &key,
                &Reserve {
                    order_id,
                    sku,
                    quantity,
                },
            )
        }
        Effect::ReleaseStock { sku } => {
            let key = sku.clone();
            host.send(topic::STOCK_RELEASE, &key, &ReleaseStock { order_id, sku })
        }
        Effect::UseCoupon {
            coupon_id,
            goods_amount,
        } => {
            let key = coupon_id.clone();
            let ask = UseCoupon {
                order_id,
                coupon_id,
                user_id: user_id(),
                goods_amount,
            };
            host.send(topic::COUPON_USE, &key, &ask)
        }
        Effect::ReleaseCoupon { coupon_id } => {
            let key = coupon_id.clone();
            host.send(
                topic::COUPON_RELEASE,
                &key,
                &ReleaseCoupon {
                    order_id,
                    coupon_id,
                },
            )
        }
        Effect::DebitBalance { at_most } => {
            let ask = Debit {
                order_id,
                user_id: user_id(),
                at_most,
            };
            host.send(topic::ACCOUNT_DEBIT, &ask.user_id, &ask)
        }
        Effect::CreditBalance => {
            let ask = Credit {
                order_id,
                user_id: user_id(),
            };
            host.send(topic::ACCOUNT_CREDIT, &ask.user_id, &ask)
        }
        Effect::WakeAt(at) => Ok(host.set_timer(TIMER, at, topic::ORDER_DUE)?),
        Effect::LetSleep => Ok(host.cancel_timer(TIMER)?),
        Effect::Announce(news) => match order {
            Some(order) => host.send(topic_of(news), &order_id, &View::of(order)),
            None => Ok(()),
        },
        Effect::ApprovePayment {
            payment_id,
            amount,
            deadline,
        } => {
            let approved = Approved {
                payment_id,
                amount,
                deadline,
            };
            host.send(topic::PAYMENT_APPROVED, &approved.payment_id, &approved)
        }
        Effect::AcceptPayment { payment_id } => {
            let verdict = PaymentVerdict {
                payment_id,
                cause: None,
            };
            host.send(topic::PAYMENT_ACCEPTED, &verdict.payment_id, &verdict)
        }
        Effect::RefundPayment { payment_id, cause } => {
            let verdict = PaymentVerdict {
                payment_id,
                cause: Some(cause),
            };
            host.send(topic::PAYMENT_REFUND, &verdict.payment_id, &verdict)
        }
    }
}

fn topic_of(news: News) -> &'static str {
    match news {
        News::Confirmed => topic::ORDER_CONFIRMED,
        News::Cancelled => topic::ORDER_CANCELLED,
        News::Invalid => topic::ORDER_INVALID,
        News::Paid => topic::ORDER_PAID,
        News::Finished => topic::ORDER_FINISHED,
    }
}
