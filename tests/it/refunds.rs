//! The seller's refund, as the seller and the buyer see it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;
use testkit::books::Plan;
use testkit::client::Reply;
use testkit::provider::Policy;
use testkit::shop::{Item, NewCoupon, NewOrder, NewStock, NewUser, Shop};

use crate::world::World;

const WAIT: &str = "20s";
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_refunded_order_returns_everything_once_and_says_so_however_often_it_is_asked()
-> Result<()> {
    let mut plan = shelf();
    let mut world = World::with(&plan, Policy::honest(), "30m").await?;
    let shop = world.scene.shop.clone();
    for (id, finished) in [("sent-back", true), ("taken-back", false)] {
        let order = order(id, Some("good"), true);
        plan.orders.insert(id.to_owned(), order.clone());
        shop.place_and_wait(&order, WAIT).await?;
        pay(&shop, id).await?;
        points(&shop, 18).await?;
        if finished {
            let done = outcome(&shop.finish(id, WAIT).await?, "order.finished")?;
            assert_eq!(done["status"], "finished");
        }
        let refunded = outcome(&shop.refund(id, WAIT).await?, "order.refunded")?;
        assert_eq!(
            (&refunded["status"], &refunded["pay_status"]),
            (&"refunded".into(), &"refunded".into())
        );
        let again = outcome(&shop.refund(id, WAIT).await?, "order.unchanged")?;
        assert_eq!(again, refunded);
        let refused = outcome(&shop.finish(id, WAIT).await?, "order.finish-refused")?;
        assert_eq!(refused["cause"], "the order is refunded");
        points(&shop, 0).await?;
        world.settle(&plan, PATIENCE).await?;
    }

    world.scene.server.kill().await?;
    world.scene.server.start_again().await?;
    outcome(&shop.refund("sent-back", WAIT).await?, "order.unchanged")?;
    world.settle(&plan, PATIENCE).await?;
    assert_eq!(world.scene.provider.ledger().refunded(), 2 * 1_800);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_paid_for_is_refused_with_its_cause() -> Result<()> {
    let mut plan = shelf();
    let world = World::with(&plan, Policy::honest(), "30m").await?;
    let shop = &world.scene.shop;
    let mut taken = vec![order("open", None, false)];
    taken.push(order("refused", Some("nobodys"), false));
    for order in &taken {
        shop.place_and_wait(order, WAIT).await?;
    }
    let cases = [
        ("nowhere", "unknown order"),
        ("open", "the order is not paid"),
        ("refused", "the order is cancelled"),
    ];
    for (id, cause) in cases {
        let refused = outcome(&shop.refund(id, WAIT).await?, "order.refund-refused")?;
        assert_eq!(refused["cause"], cause);
    }
    assert_eq!(world.scene.provider.ledger().refunded(), 0);

    // What was refused may be asked for again, once it is paid.
    pay(shop, "open").await?;
    outcome(&shop.refund("open", WAIT).await?, "order.refunded")?;
    plan.orders = taken
        .into_iter()
        .map(|it| (it.order_id.clone(), it))
        .collect();
    world.settle(&plan, PATIENCE).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_coupon_and_balance_paid_is_refunded_without_the_provider() -> Result<()> {
    let mut plan = shelf();
    let world = World::with(&plan, Policy::honest(), "30m").await?;
    let shop = &world.scene.shop;
    let order = order("free", Some("generous"), true);
    plan.orders.insert("free".to_owned(), order.clone());
    shop.place_and_wait(&order, WAIT).await?;
    let refunded = outcome(&shop.refund("free", WAIT).await?, "order.refunded")?;
    assert_eq!(
        (&refunded["pay_status"], &refunded["pay_amount"]),
        (&"refunded".into(), &0.into())
    );
    world.settle(&plan, PATIENCE).await?;
    assert!(world.scene.provider.ledger().charges().is_empty());
    Ok(())
}

/// One SKU for 20.00, one buyer with 7.00, and coupons over 5.00 and over more than enough.
fn shelf() -> Plan {
    let mut plan = Plan::default();
    let (unit_price, initial) = (2_000, 10);
    let stock = NewStock {
        unit_price,
        initial,
    };
    plan.stocks.insert("mug".to_owned(), stock);
    let user = NewUser {
        user_id: "ann".to_owned(),
        name: "Ann".to_owned(),
        email: "ann@example.com".to_owned(),
        phone: "1".to_owned(),
        balance: 700,
    };
    plan.users.insert(user.user_id.clone(), user);
    for (id, amount) in [("good", 500), ("generous", 100_000)] {
        let coupon = NewCoupon {
            user_id: "ann".to_owned(),
            amount,
            min_goods: None,
            expires_at: None,
        };
        plan.coupons.insert(id.to_owned(), coupon);
    }
    plan
}

fn order(id: &str, coupon_id: Option<&str>, use_balance: bool) -> NewOrder {
    NewOrder {
        order_id: id.to_owned(),
        user_id: "ann".to_owned(),
        items: vec![Item {
            sku: "mug".to_owned(),
            quantity: 1,
        }],
        coupon_id: coupon_id.map(str::to_owned),
        use_balance,
    }
}

async fn pay(shop: &Shop, id: &str) -> Result<()> {
    shop.pay(id).await?;
    ensure!(shop.is_paid(id, PATIENCE).await?, "{id} is not paid");
    Ok(())
}

fn outcome(reply: &Reply, topic: &str) -> Result<Value> {
    assert_eq!(reply.headers["wasmill-outcome-topic"], topic, "{reply}");
    reply.json()
}

/// Waits until the buyer has so many points.
async fn points(shop: &Shop, expected: u64) -> Result<()> {
    let begun = Instant::now();
    loop {
        let points = shop.points("ann").await?;
        if points == expected {
            return Ok(());
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "{points} points, not {expected}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
