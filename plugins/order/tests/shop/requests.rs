//! The requests that come in at the shop's doors, as their clients make them.

use serde_json::{Value, json};
use wasmill_sdk::Request;

use crate::world::World;

/// A SKU is set up.
pub(crate) fn put_stock(world: &mut World, sku: &str, unit_price: u64, initial: u64) {
    let body = json!({ "unit_price": unit_price, "initial": initial });
    let put = of("PUT", &format!("/stock/{sku}"), &body).with("sku", sku);
    comes(world, "stock", "stock.put", &put.0);
}

/// Pieces are added to a SKU.
pub(crate) fn restock(world: &mut World, sku: &str, restock_id: &str) {
    let body = json!({ "restock_id": restock_id, "quantity": 1 });
    let restock = of("POST", &format!("/stock/{sku}/restock"), &body).with("sku", sku);
    comes(world, "stock", "stock.restock", &restock.0);
}

/// Somebody registers.
pub(crate) fn register(world: &mut World, user_id: &str, balance: u64) {
    let body = json!({
        "user_id": user_id, "name": "Zoë", "email": "zoe@example.org", "phone": "1",
        "balance": balance,
    });
    comes(
        world,
        "account",
        "user.register",
        &of("POST", "/users", &body).0,
    );
}

/// A coupon is set up.
pub(crate) fn put_coupon(world: &mut World, coupon_id: &str, user_id: &str, amount: u64) {
    let body = json!({ "user_id": user_id, "amount": amount });
    let put = of("PUT", &format!("/coupons/{coupon_id}"), &body).with("coupon_id", coupon_id);
    comes(world, "coupon", "coupon.put", &put.0);
}

/// Somebody orders.
pub(crate) fn place(world: &mut World, order: &Value) {
    comes(
        world,
        "order",
        "order.placed",
        &of("POST", "/orders", order).0,
    );
}

/// Somebody wants to pay an order; with an `Idempotency-Key` that decides the payment's id.
pub(crate) fn pay(world: &mut World, order_id: &str, key: Option<&str>) {
    let mut pay = of("POST", "/payments", &json!({ "order_id": order_id })).0;
    let key = key.map(|key| ("idempotency-key".to_owned(), key.to_owned()));
    pay.headers.extend(key);
    comes(world, "payment", "payment.requested", &pay);
}

/// The seller wants to `finish` or to `refund` an order, sold or not.
pub(crate) fn sell(world: &mut World, order_id: &str, what: &str) {
    let sell = of("POST", &format!("/orders/{order_id}/{what}"), &json!({}));
    let sell = sell.with("order_id", order_id);
    comes(world, "order", &format!("order.{what}"), &sell.0);
}

/// The provider calls back, signed.
pub(crate) fn call_back(world: &mut World, body: Vec<u8>, signature: &str) -> Request {
    let callback = Request {
        method: "POST".to_owned(),
        path: "/payments/callback".to_owned(),
        params: Vec::new(),
        query: Vec::new(),
        headers: vec![("x-signature".to_owned(), signature.to_owned())],
        body,
    };
    comes(world, "payment", "payment.callback", &callback);
    callback
}

struct Made(Request);

fn of(method: &str, path: &str, body: &Value) -> Made {
    Made(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        params: Vec::new(),
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    })
}

impl Made {
    /// With a parameter of its path.
    fn with(mut self, name: &str, value: &str) -> Self {
        self.0.params.push((name.to_owned(), value.to_owned()));
        self
    }
}

fn comes(world: &mut World, plugin: &str, topic: &str, request: &Request) {
    let admitted = world.request(plugin, topic, request);
    admitted.expect("the request is right");
}
