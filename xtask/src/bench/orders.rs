//! Full orders: one item, a coupon and a balance, from HTTP in to confirmed. First as fast as
//! they go, then at half that rate for the latency.

use anyhow::{Result, ensure};
use testkit::books::Plan;
use testkit::load;
use testkit::provider::Policy;
use testkit::scene::Scene;
use testkit::shop::{Item, NewCoupon, NewOrder, NewStock, NewUser, Order, Shop, Status};

use super::Figures;

/// Different SKUs: more than there are lanes, so that stock is no hot key.
const SKUS: usize = 1_000;
/// Orders on their way at once.
const AT_ONCE: usize = 256;
/// Orders before measuring.
const WARM_UP: usize = 500;
/// Orders as fast as they go, for each step of the scale.
const FAST: usize = 3_000;
/// Orders at half load, for each step of the scale.
const PACED: usize = 2_000;
/// How long the host may wait for an order's outcome.
const WAIT: &str = "30s";

/// Measures them.
///
/// # Errors
/// If an order does not end confirmed.
pub(super) async fn figures(scale: usize) -> Result<Figures> {
    let folder = tempfile::tempdir()?;
    // Without notify, whose welcome mails to all the users would still be on their way.
    let without = vec!["notify"];
    let scene = Scene::without(folder.path(), Policy::honest(), "30m", without).await?;
    let (fast, paced) = (FAST * scale, PACED * scale);
    let plan = plan(WARM_UP + fast + paced);
    println!("loading {} users and as many coupons", plan.users.len());
    plan.load(&scene.shop).await?;

    let mut orders: Vec<NewOrder> = plan.orders.values().cloned().collect();
    let mut paced = orders.split_off(WARM_UP + fast);
    let fast = orders.split_off(WARM_UP);
    load::closed(AT_ONCE, &scene.shop, orders, confirm)
        .await
        .all_well()?;
    println!("{} orders, {AT_ONCE} at once", fast.len());
    let fast = load::closed(AT_ONCE, &scene.shop, fast, confirm).await;
    fast.all_well()?;
    let rate = fast.per_second() / 2.0;
    println!("{} orders, {rate:.0} a second", paced.len());
    // What the fast run left behind, such as a checkpoint, is not the paced run's to wait for.
    let settled = paced.split_off(paced.len() / 5);
    load::open(rate, &scene.shop, paced, confirm)
        .await
        .all_well()?;
    let paced = load::open(rate, &scene.shop, settled, confirm).await;
    paced.all_well()?;

    let named = |name: &str, figure: f64| (format!("orders.{name}"), figure);
    Ok(Figures::from([
        named("confirmed_per_s", fast.per_second()),
        named("p50_ms_at_full_load", fast.latency_ms(0.5)),
        named("p50_ms_at_half_load", paced.latency_ms(0.5)),
        named("p99_ms_at_half_load", paced.latency_ms(0.99)),
        named("max_ms_at_half_load", paced.latency_ms(1.0)),
        named("rss_mb", scene.server.resident_mb()? as f64),
    ]))
}

async fn confirm(shop: Shop, order: NewOrder) -> Result<()> {
    let outcome: Order = shop.place_and_wait(&order, WAIT).await?.json()?;
    let whole = outcome.coupon_amount > 0 && outcome.balance_amount > 0;
    ensure!(
        outcome.status == Status::Confirmed && whole,
        "not what was ordered: {outcome:?}"
    );
    Ok(())
}

/// A user with a balance and a coupon for each order: a balance pays as much as it can, so that
/// a second order of the same user would find none.
fn plan(orders: usize) -> Plan {
    let mut plan = Plan::default();
    for nth in 0..SKUS {
        let stock = NewStock {
            unit_price: 4_900,
            initial: 1_000_000,
        };
        plan.stocks.insert(format!("sku-{nth}"), stock);
    }
    for nth in 0..orders {
        let user_id = format!("user-{nth}");
        let user = NewUser {
            user_id: user_id.clone(),
            name: user_id.clone(),
            email: format!("{user_id}@example.com"),
            phone: "1".to_owned(),
            balance: 1_000,
        };
        let coupon = NewCoupon {
            user_id: user_id.clone(),
            amount: 500,
            min_goods: None,
            expires_at: None,
        };
        let order = NewOrder {
            order_id: format!("order-{nth:07}"),
            user_id: user_id.clone(),
            items: vec![Item {
                sku: format!("sku-{}", nth % SKUS),
                quantity: 1,
            }],
            coupon_id: Some(format!("coupon-{nth}")),
            use_balance: true,
        };
        plan.coupons.insert(format!("coupon-{nth}"), coupon);
        plan.users.insert(user_id, user);
        plan.orders.insert(order.order_id.clone(), order);
    }
    plan
}
