//! A plugin that is gone for a while: orders are still taken, and settle when it returns.

use std::time::Duration;

use anyhow::Result;
use testkit::artifacts;
use testkit::provider::Policy;
use testkit::sized;
use testkit::traffic::Traffic;

use crate::world::{World, assert_served_at_once, busy_market};

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_taken_while_stock_is_gone_and_settle_when_it_returns() -> Result<()> {
    let gone = Duration::from_secs(sized(5, 60));
    let plan = busy_market(sized(2_000, 20_000)).plan();
    let world = World::with(&plan, Policy::honest(), "5s").await?;
    let stock = std::fs::read(artifacts::plugin("stock")?)?;

    let traffic = Traffic::start(&world.scene.server.client(), &plan, 150.0);
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.scene.installation.remove_plugin("stock")?;
    tokio::time::sleep(gone).await;
    world.scene.installation.put_plugin("stock", &stock)?;
    tokio::time::sleep(Duration::from_secs(1)).await;

    let taken = traffic.stop().await?;
    assert_served_at_once(&taken);
    world
        .settle(&taken.of(plan), Duration::from_secs(120))
        .await?;
    Ok(())
}
