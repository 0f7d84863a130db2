//! A plugin that fails is seen at once: in the log, without a flood, and in the list of plugins.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::Value;
use testkit::metrics;

use crate::world::{Host, WAY_IN};

/// The retry comes when the test is long over.
const ROUTES: &str = r#"
[topics]
"work" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "refuse"
retry = ["6h"]

[[ingress]]
method = "POST"
path = "/trap"
topic = "counted"
gate = "door"
"#;
/// Messages that fail, each of a key of its own.
const FAILED: usize = 300;
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_is_told_of_a_few_times_and_counted_always() -> Result<()> {
    let mut host = Host::with(&format!("{ROUTES}{WAY_IN}"), &["refuse", "door"]).await?;
    let server = &mut host.server;
    let client = server.client();
    for key in 0..FAILED {
        let path = format!("/work/{key}");
        let reply = client.send(Method::POST, &path, Bytes::from_static(b"retry"));
        reply.await?.success()?;
    }
    metrics::reached(&client, "messages_failed_total", FAILED as f64, PATIENCE).await?;

    let log = server.log()?;
    let told: Vec<_> = log
        .lines()
        .filter(|it| it.contains("the handler failed"))
        .collect();
    let first = told.first().context(log.clone())?;
    for part in [
        "WARN",
        "plugin=\"refuse\"",
        "topic=\"work\"",
        "attempt=1",
        "cause=\"as asked\"",
    ] {
        ensure!(first.contains(part), "no {part} in {first}");
    }
    // A slow machine takes more than one window.
    ensure!(told.len() < FAILED / 10, "{} lines", told.len());

    let listed: Value =
        serde_json::from_str(&server.command(&["plugin", "list", "--json"]).await?)?;
    let refuse = &listed["plugins"][1];
    ensure!(
        refuse["failed"] == FAILED && refuse["calls"] == FAILED,
        "{refuse}"
    );
    let table = server.command(&["plugin", "list"]).await?;
    ensure!(table.contains(&format!("{FAILED} of {FAILED}")), "{table}");

    // A gate's trap is one record of the log, and none of the client's business.
    let before = server.log()?.lines().count();
    let reply = client.send(Method::POST, "/trap", Bytes::new()).await?;
    ensure!(reply.status == StatusCode::INTERNAL_SERVER_ERROR, "{reply}");
    ensure!(!reply.to_string().contains("asked to"), "{reply}");
    let log = server.log()?;
    let record: Vec<_> = log.lines().skip(before).collect();
    ensure!(
        record.len() == 1 && record[0].contains("asked to"),
        "{record:#?}"
    );
    server.stop().await
}
