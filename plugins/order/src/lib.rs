//! order: the saga from placed to confirmed or cancelled, and on to paid or invalid, and from paid
//! to finished or refunded.
//! Key: the order id. State: `order`, one record. Besides, the host's price list, by SKU.

mod config;
pub mod domain;
mod door;
mod effects;
mod quote;
mod view;

use wasmill_plugin_kit::messages::{
    Charged, CouponUsed, Debited, Pay, PaymentVerdict, PaymentView, Refused, Rejected, Reserved,
    topic,
};
use wasmill_sdk::{Failure, Host, Message, Request, Response};

use domain::{Decision, NotSold, Order, Status};
pub use door::admit;
use effects::{STATE, carry_out};
pub use quote::Price;
pub use view::View;

wasmill_sdk::export!(handle, admit, answer);

/// Handles a message of the order that is its key.
///
/// # Errors
/// What the host refused, or a message that is none of ours.
pub fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
    let order_id = message.key()?;
    // A broadcast, whose key is a SKU and whose state is the host's.
    if message.topic == topic::PRICE_CHANGED {
        return quote::note(host, message);
    }
    match decide(host, order_id, message)? {
        Some(decision) => carry_out(host, order_id, decision),
        None => Ok(()),
    }
}

/// Answers `GET /orders/{id}`, settled once the saga has ended, and `GET /quote` of a SKU.
pub fn answer(host: &mut impl Host, key: &str, request: &Request) -> Response {
    if request.segments() == ["quote"] {
        return quote::answer(host, key, request);
    }
    Response::of_state(host, STATE, "order", |order: Order| {
        Response::ok(&View::of(&order), order.status != Status::Unconfirmed)
    })
}

/// What the message means for the order; none if nothing.
fn decide(
    host: &mut impl Host,
    order_id: &str,
    message: &Message,
) -> Result<Option<Decision>, Failure> {
    let order: Option<Order> = host.load(STATE)?;
    let now = host.now();
    Ok(match message.topic.as_str() {
        topic::ORDER_PLACED if order.is_some() => None,
        topic::ORDER_PLACED => Some(domain::place(message.json()?, config::terms(host)?, now)),
        topic::STOCK_RESERVED => {
            let Reserved {
                sku, unit_price, ..
            } = message.json()?;
            order.and_then(|order| domain::on_stock(order, &sku, Ok(unit_price), now))
        }
        topic::STOCK_REJECTED => {
            let Rejected { by: sku, cause, .. } = message.json()?;
            order.and_then(|order| domain::on_stock(order, &sku, Err(cause), now))
        }
        topic::COUPON_USED => {
            let CouponUsed { amount, .. } = message.json()?;
            order.and_then(|order| domain::on_coupon(order, Ok(amount), now))
        }
        topic::COUPON_REJECTED => {
            let Rejected { cause, .. } = message.json()?;
            order.and_then(|order| domain::on_coupon(order, Err(cause), now))
        }
        topic::ACCOUNT_DEBITED => {
            let Debited { amount, .. } = message.json()?;
            order.and_then(|order| domain::on_balance(order, Ok(amount), now))
        }
        topic::ACCOUNT_REJECTED => {
            let Rejected { cause, .. } = message.json()?;
            order.and_then(|order| domain::on_balance(order, Err(cause), now))
        }
        topic::ORDER_DUE => order.and_then(|order| domain::due(order, now)),
        topic::ORDER_PAY => pay(host, order, message.json()?)?,
        topic::PAYMENT_CHARGED => {
            let Charged {
                payment_id, amount, ..
            } = message.json()?;
            domain::charged(order, &payment_id, amount)
        }
        topic::PAYMENT_FAILED => {
            let PaymentView { payment_id, .. } = message.json()?;
            order.and_then(|order| domain::not_charged(order, &payment_id))
        }
        topic::PAYMENT_REFUNDED => {
            let PaymentView { payment_id, .. } = message.json()?;
            order.and_then(|order| domain::money_returned(order, &payment_id))
        }
        topic::ORDER_FINISH => {
            let finished = domain::finish(order);
            unless_refused(host, order_id, finished, topic::ORDER_FINISH_REFUSED)?
        }
        topic::ORDER_REFUND => {
            let refunded = domain::refund(order);
            unless_refused(host, order_id, refunded, topic::ORDER_REFUND_REFUSED)?
        }
        _ => return Err(message.unexpected()),
    })
}

fn pay(host: &mut impl Host, order: Option<Order>, ask: Pay) -> Result<Option<Decision>, Failure> {
    match domain::pay(order, &ask.payment_id, host.now()) {
        Ok(decision) => Ok(Some(decision)),
        Err(denied) => {
            let cause = Some(denied.to_string());
            let verdict = PaymentVerdict {
                payment_id: ask.payment_id,
                cause,
            };
            host.send(topic::PAYMENT_DENIED, &verdict.payment_id, &verdict)?;
            Ok(None)
        }
    }
}

/// What the seller asked for, or the news on `topic` that it cannot be.
fn unless_refused(
    host: &mut impl Host,
    order_id: &str,
    asked: Result<Decision, NotSold>,
    topic: &str,
) -> Result<Option<Decision>, Failure> {
    match asked {
        Ok(decision) => Ok(Some(decision)),
        Err(not) => {
            let refused = Refused {
                id: order_id.to_owned(),
                cause: not.to_string(),
            };
            host.send(topic, order_id, &refused)?;
            Ok(None)
        }
    }
}
