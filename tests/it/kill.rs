//! SIGKILL at random moments under load: whatever was answered is kept, and kept once.

use std::time::Duration;

use anyhow::Result;
use testkit::provider::Policy;
use testkit::sized;
use testkit::traffic::Traffic;

use crate::world::{World, assert_served, busy_market};

/// The payment deadline: orders that nobody pays expire while the test looks on.
const DEADLINE: &str = "15s";
const DEADLINE_AND_MORE: Duration = Duration::from_secs(17);

#[tokio::test(flavor = "multi_thread")]
async fn every_order_answered_is_final_and_the_books_balance_after_sigkills_under_load()
-> Result<()> {
    let kills: u32 = sized(10, 100);
    let plan = busy_market(sized(3_000, 30_000)).plan();
    let policy = Policy::lively(11, DEADLINE_AND_MORE);
    let mut world = World::with(&plan, policy, DEADLINE).await?;

    let traffic = Traffic::start(&world.scene.server.client(), &plan, sized(150.0, 200.0));
    for nth in 0..kills {
        // Spread over 0.1 to 1.1 s, so that kills meet starts, bursts and idle moments alike.
        let moment = 100 + u64::from(nth.wrapping_mul(2_654_435_761) % 1_000);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        world.scene.server.kill().await?;
        world.scene.server.start_again().await?;
    }
    let taken = traffic.stop().await?;
    assert_served(&taken);
    assert!(
        taken.broken > 0,
        "no kill met a request: the load is too small"
    );

    let settled = world
        .settle(&taken.of(plan), Duration::from_secs(120))
        .await?;
    let refunded = settled.refunded();
    assert!(refunded > 0, "no order was refunded");
    println!(
        "{kills} kills: {} orders taken, {refunded} refunded, {} connections broken, settled after {:?}",
        taken.orders.len(),
        taken.broken,
        settled.after
    );
    Ok(())
}
