//! The host's price list, and `GET /quote`, which answers from it. Key: the SKU.
//!
//! Prices come as a broadcast, so each host has a list of its own, and nobody asks `stock`. A quote
//! is no promise: the order's price is the one that `stock` says when it reserves.

use serde::{Deserialize, Serialize};
use wasmill_plugin_kit::messages::PriceChanged;
use wasmill_sdk::{Failure, Host, Message, Problem, Request, Response};

use crate::config;
use crate::domain::Terms;

/// The entry that holds a SKU's price.
const STATE: &str = "price";
/// Most pieces of a quote, as of an item of an order.
const QUANTITY_MAX: u64 = 10_000;

/// A SKU's price in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Price of one.
    pub unit_price: u64,
    /// When `stock` said so, in milliseconds since the epoch.
    pub since: u64,
}

/// What an order for so many pieces of one SKU comes to, without coupon and balance.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Quote {
    sku: String,
    quantity: u64,
    unit_price: u64,
    goods_amount: u64,
    shipping_fee: u64,
    pay_amount: u64,
}

/// Takes a price into the list, unless it is older than the one there: a dead letter that was
/// redriven comes late.
///
/// # Errors
/// What the host refused, or a message that is no price.
pub(crate) fn note(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
    let PriceChanged { unit_price, .. } = message.json()?;
    let since = message.produced_at;
    let known: Option<Price> = host.load(STATE)?;
    match known {
        Some(known) if known.since > since => Ok(()),
        _ => host.save(STATE, &Price { unit_price, since }),
    }
}

/// Answers `GET /quote?sku=S&quantity=N`; one piece if it does not say how many.
pub(crate) fn answer(host: &mut impl Host, sku: &str, request: &Request) -> Response {
    let quantity = match quantity(request) {
        Ok(quantity) => quantity,
        Err(problem) => return problem.into(),
    };
    let terms = match config::terms(host) {
        Ok(terms) => terms,
        // The operator may still correct the config.
        Err(_) => return Response::unavailable(),
    };
    Response::of_state(host, STATE, "price of this SKU", |price: Price| {
        Response::ok(&quote(sku, quantity, price.unit_price, terms), true)
    })
}

fn quote(sku: &str, quantity: u64, unit_price: u64, terms: Terms) -> Quote {
    let goods_amount = unit_price * quantity;
    let shipping_fee = terms.shipping_of(goods_amount);
    Quote {
        sku: sku.to_owned(),
        quantity,
        unit_price,
        goods_amount,
        shipping_fee,
        pay_amount: goods_amount + shipping_fee,
    }
}

fn quantity(request: &Request) -> Result<u64, Problem> {
    let asked = request.query.iter().find(|(name, _)| name == "quantity");
    let Some((_, text)) = asked else { return Ok(1) };
    let number = text.parse().ok();
    number
        .filter(|number| (1..=QUANTITY_MAX).contains(number))
        .ok_or_else(|| Problem::field("quantity", "a quote is for 1 to 10000 pieces"))
}
