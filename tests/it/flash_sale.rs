//! A flash sale: far more buyers at once than there are pieces.

use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::books::Plan;
use testkit::load;
use testkit::provider::Policy;
use testkit::shop::{Item, NewOrder, NewStock, NewUser, Status};
use testkit::sized;

use crate::world::World;

/// Pieces to be had.
const PIECES: u64 = 100;
/// Requests in flight at once, within what a process may have open.
const AT_ONCE: usize = 2_000;
/// Longest time until the last order has its outcome.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn of_thousands_of_buyers_at_once_exactly_as_many_are_served_as_there_are_pieces()
-> Result<()> {
    let mut plan = Plan::default();
    plan.stocks.insert(
        "rare".to_owned(),
        NewStock {
            unit_price: 9_900,
            initial: PIECES,
        },
    );
    let user = NewUser {
        user_id: "crowd".to_owned(),
        name: "Crowd".to_owned(),
        email: "crowd@example.com".to_owned(),
        phone: "1".to_owned(),
        balance: 0,
    };
    plan.users.insert(user.user_id.clone(), user);
    let world = World::with(&plan, Policy::honest(), "30m").await?;

    let buyers = sized(2_000_u32, 10_000);
    let orders: Vec<NewOrder> = (0..buyers).map(order).collect();
    let run = load::closed(
        AT_ONCE,
        &world.scene.shop,
        orders,
        |shop, order| async move { shop.place(&order).await },
    )
    .await;
    run.all_well()?;

    let shop = &world.scene.shop;
    let statuses = load::gather(64, shop, (0..buyers).collect(), |shop, nth| async move {
        let begun = std::time::Instant::now();
        loop {
            let found = shop.order(&order(nth).order_id).await?;
            if let Some(order) = found.filter(|order| order.status != Status::Unconfirmed) {
                return Ok(order.status);
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "order {nth} has no outcome after {PATIENCE:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await?;
    let confirmed = statuses
        .iter()
        .filter(|status| **status == Status::Confirmed)
        .count();
    assert_eq!(confirmed as u64, PIECES);
    let stock = world
        .scene
        .shop
        .stock("rare")
        .await?
        .expect("it was put in");
    assert_eq!((stock.available, stock.sold), (0, PIECES));
    Ok(())
}

fn order(nth: u32) -> NewOrder {
    NewOrder {
        order_id: format!("flash-{nth}"),
        user_id: "crowd".to_owned(),
        items: vec![Item {
            sku: "rare".to_owned(),
            quantity: 1,
        }],
        coupon_id: None,
        use_balance: false,
    }
}
