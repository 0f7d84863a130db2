//! Payments through a provider at its worst: late, double, silent, wrong amounts, bad answers.

use std::time::Duration;

use anyhow::Result;
use testkit::provider::Policy;
use testkit::shop::{PayStatus, Status};
use testkit::traffic::Traffic;

use crate::world::{World, assert_served_at_once, busy_market};

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_provider_does_every_cent_is_accounted_for() -> Result<()> {
    let plan = busy_market(600).plan();
    let policy = Policy {
        failed: 100,
        wrong_amount: 100,
        late: 100,
        silent: 100,
        hiccup: 200,
        repeated: 300,
        ..Policy::lively(5, Duration::from_secs(12))
    };
    let world = World::with(&plan, policy, "10s").await?;
    let traffic = Traffic::start(&world.scene.server.client(), &plan, 200.0);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let taken = traffic.stop().await?;
    assert_served_at_once(&taken);

    let settled = world
        .settle(&taken.of(plan), Duration::from_secs(60))
        .await?;
    let orders = || settled.facts.orders.values();
    assert!(
        orders().any(|order| order.pay_status == PayStatus::Paid),
        "some are paid"
    );
    assert!(
        orders().any(|order| order.status == Status::Invalid),
        "some expire"
    );
    assert!(settled.refunded() > 0, "the seller refunds some");
    let charges = world.scene.provider.ledger().charges();
    let late = charges.iter().any(|charge| {
        let order = settled.facts.orders.get(&charge.order_id);
        charge.refunded > 0 && order.is_some_and(|order| order.status == Status::Invalid)
    });
    assert!(late, "late money returns");
    Ok(())
}
