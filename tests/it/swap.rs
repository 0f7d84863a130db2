//! Plugins swapped and bad files dropped in under load: nobody notices.

use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::artifacts::{self, variant};
use testkit::provider::Policy;
use testkit::sized;
use testkit::traffic::Traffic;

use crate::world::{World, assert_served_at_once, busy_market};

/// How long each version serves.
const SERVES: Duration = Duration::from_millis(1_500);
/// Longest time until a dropped file is judged.
const JUDGED: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn swaps_and_bad_files_under_load_lose_no_order_and_every_refusal_is_explained() -> Result<()>
{
    let swaps = sized(4, 10);
    let rate = sized(150.0, 500.0);
    let plan = busy_market(sized(4_000, 30_000)).plan();
    let world = World::with(&plan, Policy::honest(), "5s").await?;
    let good = std::fs::read(artifacts::plugin("stock")?)?;
    let bad = bad_files(&good);

    let traffic = Traffic::start(&world.scene.server.client(), &plan, rate);
    for nth in 0..swaps.max(bad.len()) {
        tokio::time::sleep(SERVES).await;
        if nth < swaps {
            world
                .scene
                .installation
                .put_plugin("stock", &variant(&good, &format!("{nth}")))?;
            tokio::time::sleep(SERVES).await;
        }
        if let Some((what, bytes)) = bad.get(nth) {
            let before = refusals(&world)?;
            world.scene.installation.put_plugin("stock", bytes)?;
            let begun = std::time::Instant::now();
            while refusals(&world)? == before {
                ensure!(
                    begun.elapsed() < JUDGED,
                    "{what}: not refused after {JUDGED:?}"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    let taken = traffic.stop().await?;
    assert_served_at_once(&taken);
    world
        .settle(&taken.of(plan), Duration::from_secs(90))
        .await?;
    Ok(())
}

/// Lines of the log in which a plugin is refused.
fn refusals(world: &World) -> Result<usize> {
    let log = world.scene.server.log()?;
    Ok(log
        .lines()
        .filter(|line| line.contains("refused") && line.contains("stock"))
        .count())
}

/// Files that must never replace the plugin.
fn bad_files(good: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("garbage", b"this is no component".to_vec()),
        ("a core module", b"\0asm\x01\0\0\0".to_vec()),
        (
            "a component that exports nothing",
            b"\0asm\x0d\0\x01\0".to_vec(),
        ),
        ("half a component", good[..good.len() / 2].to_vec()),
        ("a component that traps at its start", traps_at_start()),
    ]
}

/// A component that has what it takes, were it not for its start.
fn traps_at_start() -> Vec<u8> {
    let text = r#"(component
        (core module $m (func $f unreachable) (start $f) (func (export "handle")))
        (core instance $i (instantiate $m))
        (func $handle (canon lift (core func $i "handle")))
        (instance $handler (export "handle" (func $handle)))
        (export "wasmill:plugin/handler@0.1.0" (instance $handler)))"#;
    wat::parse_str(text).expect("the text assembles")
}
