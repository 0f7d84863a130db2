//! Orderly ends and new starts: nothing is lost, and a plugin that went bad meanwhile serves in
//! its last good version.

use std::time::Duration;

use anyhow::Result;
use testkit::books::Plan;
use testkit::provider::Policy;
use testkit::shop::{NewStock, Status};
use testkit::traffic::Traffic;

use crate::world::{World, assert_served, busy_market};

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_finishes_what_is_in_flight_and_a_start_goes_on() -> Result<()> {
    let plan = busy_market(1_000).plan();
    let mut world = World::with(&plan, Policy::honest(), "5s").await?;
    let traffic = Traffic::start(&world.scene.server.client(), &plan, 200.0);
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.scene.server.stop().await?;
        world.scene.server.start_again().await?;
    }
    let taken = traffic.stop().await?;
    assert_served(&taken);
    world
        .settle(&taken.of(plan), Duration::from_secs(60))
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_good_version_serves_after_a_restart_on_a_bad_file() -> Result<()> {
    let mut world = World::with(&Plan::default(), Policy::honest(), "30m").await?;
    world.scene.server.stop().await?;
    world
        .scene
        .installation
        .put_plugin("stock", b"this is no component")?;
    world.scene.server.start_again().await?;

    let mut plan = busy_market(1).plan();
    plan.stocks.insert(
        "late".to_owned(),
        NewStock {
            unit_price: 100,
            initial: 7,
        },
    );
    plan.load(&world.scene.shop).await?;
    let order = plan.orders.values().next().expect("there is one").clone();
    world.scene.shop.place_and_wait(&order, "10s").await?;
    let shown = world
        .scene
        .shop
        .order(&order.order_id)
        .await?
        .expect("it was taken");
    assert_ne!(shown.status, Status::Unconfirmed);
    Ok(())
}
