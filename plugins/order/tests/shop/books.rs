//! What must hold: at every moment for what one plugin owns, and between plugins at the end.

use std::collections::BTreeMap;

use wasmill_plugin_account::domain::{Account, Entry as AccountEntry};
use wasmill_plugin_coupon::domain::Coupon;
use wasmill_plugin_order::Price;
use wasmill_plugin_order::domain::{Hold, Order, PayStatus, Status};
use wasmill_plugin_payment::domain::{Payment, Stage};
use wasmill_plugin_stock::domain::{Entry as StockEntry, Stock};

use crate::provider::Charge;
use crate::world::{PRICE_LIST, World};

/// After each commit: the plugin's own books under this key.
pub(crate) fn audit(world: &World, plugin: &str, key: &str) {
    match plugin {
        "stock" => {
            let Some(stock) = world.load::<Stock>("stock", key, "stock") else {
                return;
            };
            let held: u64 = journal(world, "stock", key).map(held_pieces).sum();
            assert_eq!(
                stock.initial,
                stock.available + held,
                "initial = available + sold: {key}"
            );
        }
        "account" => {
            let Some(account) = world.load::<Account>("account", key, "account") else {
                return;
            };
            let held: u64 = journal(world, "account", key).map(held_money).sum();
            assert_eq!(
                account.user.balance,
                account.balance + held,
                "balance of {key}"
            );
        }
        _ => {}
    }
}

/// At the end: every order is final and all books agree with the orders.
pub(crate) fn close(world: &World) {
    let orders: BTreeMap<String, Order> = world.all("order", "order");
    orders.values().for_each(order_is_final);
    stock_agrees(world, &orders);
    prices_agree(world);
    coupons_agree(world, &orders);
    balances_agree(world, &orders);
    money_agrees(world, &orders);
    points_agree(world, &orders);
    mails_agree(world, &orders);
}

/// The host's price list has the price of every SKU.
fn prices_agree(world: &World) {
    let stocks: BTreeMap<String, Stock> = world.all("stock", "stock");
    for (sku, stock) in stocks {
        let price: Option<Price> = world.load(PRICE_LIST, &sku, "price");
        let price = price.map(|price| price.unit_price);
        assert_eq!(price, Some(stock.unit_price), "the price of {sku}");
    }
}

/// What became of orders and payments, in words.
pub(crate) fn outcomes(world: &World) -> Vec<String> {
    let orders: BTreeMap<String, Order> = world.all("order", "order");
    let payments: BTreeMap<String, Payment> = world.all("payment", "payment");
    let orders = orders.values().map(|order| match &order.cause {
        // The SKU behind the cause does not matter here.
        Some(cause) => {
            let cause = cause.split(": ").next().unwrap_or(cause);
            format!("order {}: {cause}", order.status.as_str())
        }
        None => format!("order {}", order.status.as_str()),
    });
    let payments = payments
        .values()
        .map(|payment| match (payment.stage, &payment.cause) {
            (Stage::Refunded, Some(cause)) => format!("payment refunded: {cause}"),
            (stage, _) => format!("payment {}", format!("{stage:?}").to_lowercase()),
        });
    orders.chain(payments).collect()
}

fn order_is_final(order: &Order) {
    let paid = order.pay_status == PayStatus::Paid;
    let held = order
        .lines
        .iter()
        .map(|line| line.hold)
        .chain([order.coupon, order.balance]);
    match order.status {
        Status::Confirmed | Status::Finished => {
            assert!(paid, "unpaid after its deadline: {order:?}");
            assert!(
                !held.into_iter().any(|hold| hold == Hold::Asked),
                "{order:?}"
            );
            let a = order.amounts;
            let total = a.goods_amount + a.shipping_fee;
            assert_eq!(
                a.pay_amount + a.coupon_amount + a.balance_amount,
                total,
                "{order:?}"
            );
            let shipping = if a.goods_amount > 10_000 { 0 } else { 1_000 };
            assert_eq!(a.shipping_fee, shipping, "{order:?}");
        }
        Status::Cancelled | Status::Invalid => {
            assert!(!paid, "{order:?}");
            assert!(order.cause.is_some(), "{order:?}");
            assert!(held.into_iter().all(|hold| hold == Hold::Free), "{order:?}");
        }
        Status::Refunded => {
            assert_eq!(order.pay_status, PayStatus::Refunded, "{order:?}");
            assert!(held.into_iter().all(|hold| hold == Hold::Free), "{order:?}");
        }
        Status::Unconfirmed => panic!("never settled: {order:?}"),
    }
}

fn stock_agrees(world: &World, orders: &BTreeMap<String, Order>) {
    for (sku, stock) in world.all::<Stock>("stock", "stock") {
        let lines = live(orders).flat_map(|order| &order.lines);
        let sold: u64 = lines
            .filter(|line| line.sku == sku)
            .map(|line| line.quantity)
            .sum();
        assert_eq!(
            stock.initial - stock.available,
            sold,
            "{sku} is held by live orders only"
        );
    }
}

fn coupons_agree(world: &World, orders: &BTreeMap<String, Order>) {
    for (id, coupon) in world.all::<Coupon>("coupon", "coupon") {
        let users: Vec<_> = live(orders)
            .filter(|order| order.coupon_id.as_ref() == Some(&id))
            .map(|order| order.order_id.clone())
            .collect();
        assert_eq!(
            Vec::from_iter(coupon.used_by),
            users,
            "{id} is used by its one live order"
        );
    }
}

fn balances_agree(world: &World, orders: &BTreeMap<String, Order>) {
    for (id, account) in world.all::<Account>("account", "account") {
        let of_user = live(orders).filter(|order| order.user_id == id);
        let spent: u64 = of_user.map(|order| order.amounts.balance_amount).sum();
        assert_eq!(
            account.user.balance,
            account.balance + spent,
            "balance of {id}"
        );
    }
}

/// For each order, what the provider kept is what the order cost, or nothing: what was paid less
/// what was refunded.
fn money_agrees(world: &World, orders: &BTreeMap<String, Order>) {
    let payments: BTreeMap<String, Payment> = world.all("payment", "payment");
    let mut kept = BTreeMap::<&str, u64>::new();
    for (id, payment) in &payments {
        let charge = world.provider.charges.get(id);
        let taken = charge.map_or(0, Charge::taken);
        let refunds = world.provider.refunds.values().filter(|(of, _)| of == id);
        let refunds: Vec<_> = refunds.map(|(_, amount)| *amount).collect();
        match payment.stage {
            Stage::Refunded => assert_eq!(refunds, [taken], "given back once: {payment:?}"),
            _ => assert!(refunds.is_empty(), "given back for nothing: {payment:?}"),
        }
        if payment.stage != Stage::Succeeded && payment.stage != Stage::Refunded {
            assert_eq!(taken, 0, "money that nobody noticed: {payment:?}");
        }
        let undecided = charge.is_some_and(|charge| !charge.decided);
        let open = matches!(
            payment.stage,
            Stage::Asked | Stage::Charging | Stage::Charged
        );
        assert!(!open || undecided, "never settled: {payment:?}");
        *kept.entry(&payment.order_id).or_default() += taken - refunds.iter().sum::<u64>();
    }
    for (id, order) in orders {
        let paid = order.pay_status == PayStatus::Paid;
        let expected = if paid { order.amounts.pay_amount } else { 0 };
        assert_eq!(
            kept.remove(id.as_str()).unwrap_or(0),
            expected,
            "paid for {order:?}"
        );
        let of_order = |payment: &&Payment| payment.order_id == *id;
        let succeeded = payments
            .values()
            .filter(of_order)
            .filter(|p| p.stage == Stage::Succeeded);
        // The one payment of an order that coupon and balance paid for has nothing to give back.
        let counts =
            paid || order.pay_status == PayStatus::Refunded && order.amounts.pay_amount == 0;
        assert_eq!(
            succeeded.count() as u64,
            u64::from(order.payment_id.is_some() && counts),
            "{id}"
        );
    }
    assert!(
        kept.values().all(|amount| *amount == 0),
        "paid for orders that are not: {kept:?}"
    );
}

/// At any moment: who says that an order is paid, or that its money is back, is right.
pub(crate) fn money_is_where_it_is_said_to_be(world: &World) {
    let orders: BTreeMap<String, Order> = world.all("order", "order");
    let through_provider = orders.values().filter(|it| it.amounts.pay_amount > 0);
    for order in through_provider {
        let Some(payment_id) = &order.payment_id else {
            continue;
        };
        let taken = world
            .provider
            .charges
            .get(payment_id)
            .map_or(0, Charge::taken);
        let refunds = world.provider.refunds.values();
        let back = refunds.filter(|(of, _)| of == payment_id).count();
        match (order.pay_status, order.status) {
            (PayStatus::Unpaid | PayStatus::Paying, _) => continue,
            (PayStatus::Paid, Status::Refunded) => {}
            (PayStatus::Paid, _) => assert_eq!(back, 0, "not to be returned: {order:?}"),
            (PayStatus::Refunded, _) => assert_eq!(back, 1, "not returned: {order:?}"),
        }
        assert_eq!(taken, order.amounts.pay_amount, "not paid: {order:?}");
    }
}

fn points_agree(world: &World, orders: &BTreeMap<String, Order>) {
    let mut earned = BTreeMap::<String, u64>::new();
    for order in live(orders).filter(|order| order.amounts.pay_amount >= 100) {
        *earned.entry(order.user_id.clone()).or_default() += order.amounts.pay_amount / 100;
    }
    let mut points = world.all::<u64>("points", "points");
    points.retain(|_, points| *points > 0);
    assert_eq!(points, earned, "1 for each whole 1.00 paid");
}

/// One mail for each piece of news, however often it was delivered. Who was not registered when
/// the news came has no address and gets none.
fn mails_agree(world: &World, orders: &BTreeMap<String, Order>) {
    let mails = |topic: &str| {
        world
            .files
            .keys()
            .filter(|name| name.starts_with(topic))
            .count()
    };
    let orders = |status: Status| {
        orders
            .values()
            .filter(|order| order.status == status)
            .count()
    };
    let sold = [Status::Confirmed, Status::Finished, Status::Refunded];
    assert!(mails("order.paid") <= sold.into_iter().map(orders).sum());
    assert!(mails("order.refunded") <= orders(Status::Refunded));
    assert!(mails("order.cancelled") <= orders(Status::Cancelled));
    assert!(mails("order.invalid") <= orders(Status::Invalid));
    assert_eq!(
        mails("user.registered"),
        world.all::<Account>("account", "account").len()
    );
}

/// Orders that keep what they hold.
fn live(orders: &BTreeMap<String, Order>) -> impl Iterator<Item = &Order> {
    orders
        .values()
        .filter(|o| matches!(o.status, Status::Confirmed | Status::Finished))
}

fn journal<'a>(world: &'a World, plugin: &str, key: &str) -> impl Iterator<Item = &'a [u8]> {
    let state = &world.states[&(plugin.to_owned(), key.to_owned())];
    state
        .iter()
        .filter(|(name, _)| name.starts_with("journal/"))
        .map(|(_, value)| value.as_slice())
}

fn held_pieces(entry: &[u8]) -> u64 {
    match serde_json::from_slice(entry).expect("a journal entry") {
        StockEntry::Reserved(quantity) => quantity,
        StockEntry::Released(_) | StockEntry::Refused => 0,
    }
}

fn held_money(entry: &[u8]) -> u64 {
    match serde_json::from_slice(entry).expect("a journal entry") {
        AccountEntry::Debited(amount) => amount,
        AccountEntry::Credited(_) | AccountEntry::Refused => 0,
    }
}
