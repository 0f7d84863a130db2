//! Who trades: a few users with little money, few pieces of few SKUs, coupons wanted by several
//! orders; buyers who pay, pay twice, pay too late or never; a seller who finishes and refunds; a
//! provider that calls back.

use hmac::{Hmac, Mac};
use rand::Rng;
use serde_json::{Value, json};
use sha2::Sha256;
use wasmill_plugin_order::domain::{Order, PayStatus, Status};

use crate::requests;
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
        requests::put_stock(world, &format!("sku{sku}"), 500 + sku * 2_499, initial);
    }
    for user in 0..USERS {
        let balance = [0, 900, 30_000][world.random.random_range(0..3)];
        requests::register(world, &format!("user{user}"), balance);
    }
    for coupon in 0..COUPONS {
        let amount = [300, 1_000, 50_000][world.random.random_range(0..3)];
        let user = format!("user{}", coupon % USERS);
        requests::put_coupon(world, &format!("coupon{coupon}"), &user, amount);
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
    let open: Vec<_> = world.provider.to_call_back().cloned().collect();
    let chosen = world.random.random_range(0..open.len().max(1));
    let Some(payment_id) = open.get(chosen) else {
        return false;
    };
    call_back_about(world, payment_id);
    true
}

/// Sends a payment's next callback; and one that is not signed, which is refused.
pub(crate) fn call_back_about(world: &mut World, payment_id: &str) {
    let body = world.provider.call_back(payment_id);
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("any key will do");
    mac.update(&body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let mut request = requests::call_back(world, body, &signature);
    request.body.push(b' ');
    let forged = world.request("payment", "payment.callback", &request);
    assert_eq!(forged.expect_err("another body").status, 401);
}

fn bustle(world: &mut World) {
    for _ in 0..world.random.random_range(0..60) {
        match world.random.random_range(0..30) {
            0 => pay(world),
            1..4 => drop(call_back(world)),
            4 => decide_one(world),
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

/// The provider decides about a charge, if one is pending.
pub(crate) fn decide_one(world: &mut World) {
    let pending = world.provider.pending().next().cloned();
    if let Some(payment_id) = pending {
        world.provider.decide(&payment_id);
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
    requests::place(world, &body);
}

fn pay(world: &mut World) {
    let order = match some_payable_order(world) {
        Some(order) if world.random.random_bool(0.8) => order,
        _ => some_order(world),
    };
    requests::pay(world, &order, None);
}

/// The seller finishes or refunds an order, sold or not.
fn sell(world: &mut World, what: &str) {
    let order = some_order(world);
    requests::sell(world, &order, what);
}

fn restock(world: &mut World) {
    let sku = format!("sku{}", world.random.random_range(0..SKUS));
    // Often the same one again.
    let id = format!("restock{}", world.random.random_range(0..3));
    requests::restock(world, &sku, &id);
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
