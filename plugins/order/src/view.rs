//! An order as `GET /orders/{id}` shows it, and as `order.confirmed` and the other news carry it.

use serde::Serialize;

use crate::domain::{Amounts, Order, PayStatus, Status};

/// What the world sees of an order.
#[derive(Debug, Serialize)]
pub struct View<'a> {
    order_id: &'a str,
    user_id: &'a str,
    status: Status,
    pay_status: PayStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    items: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon_id: Option<&'a str>,
    goods_amount: u64,
    shipping_fee: u64,
    coupon_amount: u64,
    balance_amount: u64,
    pay_amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Item<'a> {
    sku: &'a str,
    quantity: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_price: Option<u64>,
}

impl<'a> View<'a> {
    /// Of this order.
    #[must_use]
    pub fn of(order: &'a Order) -> Self {
        let Amounts {
            goods_amount,
            shipping_fee,
            coupon_amount,
            balance_amount,
            pay_amount,
        } = order.amounts;
        let items = order.lines.iter().map(|line| Item {
            sku: &line.sku,
            quantity: line.quantity,
            unit_price: line.unit_price,
        });
        Self {
            order_id: &order.order_id,
            user_id: &order.user_id,
            status: order.status,
            pay_status: order.pay_status,
            cause: order.cause.as_deref(),
            items: items.collect(),
            coupon_id: order.coupon_id.as_deref(),
            goods_amount,
            shipping_fee,
            coupon_amount,
            balance_amount,
            pay_amount,
            deadline: order.deadline,
            payment_id: order.payment_id.as_deref(),
        }
    }
}
