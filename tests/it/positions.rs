//! Positions: a subscription is moved back and gets everything again, a new one begins with the
//! first message that the log has, and neither does so a second time after a SIGKILL.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use testkit::metrics;
use testkit::patience::until;
use testkit::server::Server;

use crate::world::{COUNTER, Host};

const LATE: &str = r#"
[subscriptions.late]
topic = "work"
plugin = "counter"
start = "first"
"#;

const PATIENCE: Duration = Duration::from_secs(30);
const SENT: f64 = 6.0;

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_gets_again_what_the_log_has_and_a_new_one_gets_it_too() -> Result<()> {
    let mut host = Host::with(COUNTER, &["counter"]).await?;
    for key in ["a", "b", "c", "a", "b", "a"] {
        let send = ["send", "work", "--key", key, "--body", "x"];
        host.server.command(&send).await?;
    }
    handled(&host.server, SENT).await?;
    host.server
        .command(&["sub", "move", "worker", "--to", "first"])
        .await?;
    arrived(&host.server, "worker").await?;
    handled(&host.server, 2.0 * SENT).await?;

    std::fs::write(&host.installation.routes, format!("{COUNTER}{LATE}"))?;
    handled(&host.server, 3.0 * SENT).await?;
    arrived(&host.server, "late").await?;
    nonsense(&host.server).await?;

    // What is done is done, and what was sent before the time asked for is passed over.
    let server = &mut host.server;
    server.kill().await?;
    server.start_again().await?;
    let to = ["sub", "move", "worker", "--to", "2100-01-01T00:00:00Z"];
    server.command(&to).await?;
    arrived(server, "worker").await?;
    let send = ["send", "work", "--key", "a", "--body", "x"];
    server.command(&send).await?;
    handled(server, 2.0).await?;
    let waits = position(server, "late").await?;
    assert_eq!(
        (&waits["pending"], &waits["moving"]),
        (&0.into(), &Value::Null)
    );
    assert_eq!(
        metrics::read(&server.client(), "messages_handled_total").await?,
        2.0
    );
    server.stop().await
}

/// What is no position, or of no subscription, is refused.
async fn nonsense(server: &Server) -> Result<()> {
    for (name, to, said) in [
        ("worker", "begin", "neither `first`, `last` nor a time"),
        ("worker", "2026-13-01", "is no time"),
        ("worke", "first", "there is no subscription `worke`"),
    ] {
        let told = server.command(&["sub", "move", name, "--to", to]).await;
        let told = told.expect_err(to).to_string();
        ensure!(told.contains(said), "{told}");
    }
    Ok(())
}

async fn position(server: &Server, name: &str) -> Result<Value> {
    let shown = server.command(&["sub", "position", name, "--json"]).await?;
    Ok(serde_json::from_str(&shown)?)
}

/// Waits until the subscription stands where it was moved to.
async fn arrived(server: &Server, name: &str) -> Result<()> {
    let ask = || position(server, name);
    until(PATIENCE, ask, |shown| shown["moving"].is_null()).await?;
    Ok(())
}

/// Waits until so many messages were handled since the host's start.
async fn handled(server: &Server, count: f64) -> Result<()> {
    metrics::reached(&server.client(), "messages_handled_total", count, PATIENCE).await
}
