//! The event of a dead letter: plugins that subscribe to `$dead` get it, once and without an end.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::client::Client;
use testkit::metrics;

use crate::world::Host;

/// What `lost` gets has no key where it looks for one: each event is a dead letter there.
const ROUTES: &str = r#"
[topics]
"work" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "refuse"
retry = []

[subscriptions.mourner]
topic = "$dead"
plugin = "counter"
filter = "subscription = 'worker' AND topic = 'work'"

[subscriptions.lost]
topic = "$dead"
plugin = "counter"
key = "/nowhere"
"#;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_told_of_once_and_events_that_fail_are_not() -> Result<()> {
    let mut host = Host::with(ROUTES, &["refuse", "counter"]).await?;
    let server = &mut host.server;
    server
        .command(&["send", "work", "--key", "k", "--body", "reject"])
        .await?;
    metrics::reached(&server.client(), "messages_handled_total", 1.0, PATIENCE).await?;
    server.kill().await?;
    server.start_again().await?;

    let api = server.data_api();
    let page = read(&api, "/v1/dead-letters").await?;
    let letters = page["dead_letters"].as_array().context("a list")?;
    let of = |name: &str| {
        let mut found = letters.iter().filter(|it| it["subscription"] == name);
        let id = found.next().and_then(|it| it["id"].as_str());
        ensure!(found.next().is_none() && letters.len() == 2, "{page}");
        Ok(id.context("a letter")?.to_owned())
    };
    let (worker, lost) = (of("worker")?, of("lost")?);
    let event = read(&api, &format!("/v1/dead-letters/{lost}")).await?;
    assert_eq!(event["message"]["topic"], "$dead");
    let body = event["message"]["body"].as_str().context("a body")?;
    let body: Value = serde_json::from_str(body)?;
    assert_eq!(
        (&body["id"], &body["topic"], &body["key"]),
        (&worker.into(), &"work".into(), &"k".into())
    );
    assert_eq!(
        (&body["cause"], &body["attempts"]),
        (&"as asked".into(), &1.into())
    );

    let said = server
        .command(&["send", "$dead"])
        .await
        .expect_err("the host's own topic")
        .to_string();
    ensure!(said.contains("not declared"), "{said}");
    server.stop().await
}

async fn read(api: &Client, path: &str) -> Result<Value> {
    let reply = api.get(path).await?.success()?;
    Ok(serde_json::from_slice(&reply.body)?)
}
