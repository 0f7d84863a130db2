//! Who trades: a few users with little money, few pieces of few SKUs, coupons wanted by several
//! orders; buyers who pay, pay twice, pay too late or never; a seller who finishes and refunds; a
//! provider that calls back.

use hmac::{Hmac, Mac};
use rand::Rng;
use serde_json::{Value, json};
use sha2::Sha256;
use wasmill_plugin_kit::Request;
use wasmill_plugin_order::domain::{Order, PayStatus, Status};

use crate::world::World;

const USERS: u64 = 3;
const SKUS: u64 = 3;
const COUPONS: u64 = 3;
const ORDERS: u64 = 8;
/// As in the example's routes.
const SECRET: &[u8] = b"change-me";

/// Stocks the shop and registers its users. One that orders stays unregistered.
pub(crate) fn open_shop(world: &mut World) {
    for sku in 0..SKUS {
        let initial = world.random.random_range(1..8);
        let body = json!({ "unit_price": 500 + sku * 2_499, "initial": initial });
        let path = format!("/stock/sku{sku}");
        send(
            world,
            "stock",
            "stock.put",
            "PUT",
            &path,
            &[("sku", &format!("sku{sku}"))],
            &body,
        );
    }
    for user in 0..USERS {
        let balance = [0, 900, 30_000][world.random.random_range(0..3)];
        let body = json!({
            "user_id": format!("user{user}"), "name": "Zoë", "email": "zoe@example.org",
            "phone": "1", "balance": balance,
        });
        send(
            world,
            "account",
            "user.register",
            "POST",
            "/users",
            &[],
            &body,
        );
    }
    for coupon in 0..COUPONS {
        let id = format!("coupon{coupon}");
        let amount = [300, 1_000, 50_000][world.random.random_range(0..3)];
        let body = json!({ "user_id": format!("user{}", coupon % USERS), "amount": amount });
        let path = format!("/coupons/{id}");
        send(
            world,
            "coupon",
            "coupon.put",
            "PUT",
            &path,
            &[("coupon_id", &id)],
            &body,
        );
    }
    // What is not there yet when an order comes is unknown to it, which is another cause.
    for _ in 0..world.random.random_range(0..200) {
        world.step();
    }
}

/// Orders and payments come in while the earlier ones are under way.
pub(crate) fn trade(world: &mut World) {
    for order in 0..ORDERS {
        place(world, order);
        bustle(world);
    }
    for _ in 0..ORDERS {
        bustle(world);
    }
}

/// Sends one callback, if the provider has one. False if it has none.
pub(crate) fn call_back(world: &mut World) -> bool {
    let Some(body) = world.provider.next_callback() else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("any key will do");
    mac.update(&body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let mut request = Request {
        method: "POST".to_owned(),
        path: "/payments/callback".to_owned(),
        params: Vec::new(),
        query: Vec::new(),
        headers: vec![("x-signature".to_owned(), signature)],
        body,
    };
    world
        .request("payment", "payment.callback", &request)
        .expect("the callback is signed");
    request.body.push(b' ');
    let forged = world.request("payment", "payment.callback", &request);
    assert_eq!(forged.expect_err("another body").status, 401);
    true
}

fn bustle(world: &mut World) {
    for _ in 0..world.random.random_range(0..60) {
        match world.random.random_range(0..30) {
            0 => pay(world),
            1..4 => drop(call_back(world)),
            4 => world.provider.decide_one(),
            5 => sell(world, "finish"),
            6 => sell(world, "refund"),
            7 => restock(world),
            8 => {
                let span = [10, 1_000, 5_000, 130_000, 900_000][world.random.random_range(0..5)];
                world.wait(span);
            }
            _ => drop(world.step()),
        }
    }
}

pub(crate) fn place(world: &mut World, order: u64) {
    let random = &mut world.random;
    let items: Vec<Value> = (0..random.random_range(1..4))
        .map(|_| {
            let sku = format!("sku{}", random.random_range(0..SKUS));
            json!({ "sku": sku, "quantity": random.random_range(1..3) })
        })
        .collect();
    // Mostly their own coupon, and mostly registered.
    let users = USERS + u64::from(random.random_bool(0.2));
    let user = random.random_range(0..users);
    let mut body = json!({
        "order_id": format!("order{order}"), "user_id": format!("user{user}"), "items": items,
        "use_balance": random.random_bool(0.6),
    });
    if random.random_bool(0.6) {
        let foreign = u64::from(random.random_bool(0.05));
        body["coupon_id"] = format!("coupon{}", (user + foreign) % (COUPONS + 1)).into();
    }
    send(
        world,
        "order",
        "order.placed",
        "POST",
        "/orders",
        &[],
        &body,
    );
}

fn pay(world: &mut World) {
    let order = match some_payable_order(world) {
        Some(order) if world.random.random_bool(0.8) => order,
        _ => some_order(world),
    };
    pay_for(world, &order);
}

/// Asks to pay for an order.
pub(crate) fn pay_for(world: &mut World, order: &str) {
    let body = json!({ "order_id": order });
    send(
        world,
        "payment",
        "payment.requested",
        "POST",
        "/payments",
        &[],
        &body,
    );
}

/// The seller finishes or refunds an order, sold or not.
fn sell(world: &mut World, what: &str) {
    let order = some_order(world);
    let path = format!("/orders/{order}/{what}");
    send(
        world,
        "order",
        &format!("order.{what}"),
        "POST",
        &path,
        &[("order_id", &order)],
        &json!({}),
    );
}

fn restock(world: &mut World) {
    let sku = format!("sku{}", world.random.random_range(0..SKUS));
    // Often the same one again.
    let id = format!("restock{}", world.random.random_range(0..3));
    let body = json!({ "restock_id": id, "quantity": 1 });
    let path = format!("/stock/{sku}/restock");
    send(
        world,
        "stock",
        "stock.restock",
        "POST",
        &path,
        &[("sku", &sku)],
        &body,
    );
}

/// Mostly a buyer pays what can be paid, and pays again what failed.
fn some_payable_order(world: &mut World) -> Option<String> {
    let payable =
        |order: &Order| order.status == Status::Confirmed && order.pay_status == PayStatus::Unpaid;
    let orders = world.all::<Order>("order", "order");
    let payable: Vec<_> = orders
        .into_iter()
        .filter(|(_, order)| payable(order))
        .collect();
    let chosen = world.random.random_range(0..payable.len().max(1));
    payable.into_iter().nth(chosen).map(|(id, _)| id)
}

fn some_order(world: &mut World) -> String {
    format!("order{}", world.random.random_range(0..=ORDERS))
}

fn send(
    world: &mut World,
    plugin: &str,
    topic: &str,
    method: &str,
    path: &str,
    params: &[(&str, &str)],
    body: &Value,
) {
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        params: params
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    world
        .request(plugin, topic, &request)
        .expect("the request is right");
}
