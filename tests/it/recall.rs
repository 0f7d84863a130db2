//! Batches, requests and recalls from outside, as an operator's tools see them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::metrics;

use crate::world::Host;

const ROUTES: &str = r#"
[topics]
"work" = {}
"counted" = {}
"silent" = {}

[subscriptions.worker]
topic = "work"
plugin = "counter"
"#;

const ALARMS: &str = r#"
[topics]
"work" = {}

[subscriptions.alarm]
topic = "work"
plugin = "alarm"
"#;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_recalled_message_is_never_delivered_even_after_a_kill() -> Result<()> {
    let mut host = Host::with(ROUTES, &["counter"]).await?;
    let server = &mut host.server;
    let send = ["send", "work", "--key", "k", "--delay", "2s", "--json"];
    let mut recalls = Vec::new();
    for _ in 0..2 {
        let sent: Value = serde_json::from_str(&server.command(&send).await?)?;
        let recall = sent["recall"].as_str().context("nothing to recall it by")?;
        recalls.push(recall.to_owned());
    }
    let recall = ["message", "recall", recalls[0].as_str()];
    server.command(&recall).await?;
    server.kill().await?;
    server.start_again().await?;
    let again = server.command(&recall).await.expect_err("it is gone");
    ensure!(
        again.to_string().contains("no such delayed message"),
        "{again}"
    );
    // The other one is delivered; this one, which was due before it, was not.
    metrics::reached(&server.client(), "messages_handled_total", 1.0, PATIENCE).await?;
    let late = format!("/v1/messages/{}", recalls[1]);
    let late = server
        .data_api()
        .send(Method::DELETE, &late, Bytes::new())
        .await?;
    assert_eq!(late.status, StatusCode::NOT_FOUND, "{late}");
    assert_eq!(
        metrics::read(&server.client(), "messages_handled_total").await?,
        1.0
    );
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_messages_is_sent_in_batches_and_a_request_gets_its_reply() -> Result<()> {
    let mut host = Host::with(ROUTES, &["counter"]).await?;
    let server = &mut host.server;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("messages");
    let lines: Vec<_> = (0..1_500)
        .map(|index| json!({"key": "k", "body": index.to_string()}).to_string())
        .collect();
    std::fs::write(&file, lines.join("\n"))?;
    let path = file.to_str().context("a path")?;
    let told = server.command(&["send", "work", "--lines", path]).await?;
    assert_eq!(told.lines().count(), 1_500);
    metrics::reached(
        &server.client(),
        "messages_handled_total",
        1_500.0,
        PATIENCE,
    )
    .await?;

    std::fs::write(&file, "{\"key\": \"k\"}\nno message\n")?;
    let wrong = server.command(&["send", "work", "--lines", path]).await;
    let wrong = wrong.expect_err("a line that is no message");
    ensure!(wrong.to_string().contains("line 2"), "{wrong}");
    metrics::reached(
        &server.client(),
        "messages_handled_total",
        1_501.0,
        PATIENCE,
    )
    .await?;

    let ask = [
        "request",
        "work",
        "--key",
        "q",
        "--body",
        "42",
        "--reply-on",
        "counted",
    ];
    assert_eq!(server.command(&ask).await?, "42\n");
    let ask = ["request", "work", "--reply-on", "silent", "--wait", "50ms"];
    let silent = server.command(&ask).await.expect_err("nobody answers");
    ensure!(silent.to_string().contains("is durable"), "{silent}");
    let ask = ["request", "work", "--reply-on", "slient"];
    let unknown = server.command(&ask).await.expect_err("a slip");
    ensure!(
        unknown.to_string().contains("`slient` is not declared"),
        "{unknown}"
    );
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timers_of_a_key_are_listed_and_cancelled_for_good() -> Result<()> {
    let mut host = Host::with(ALARMS, &["alarm"]).await?;
    let server = &mut host.server;
    for name in ["a/b", "c"] {
        server
            .command(&["send", "work", "--key", "k", "--body", name])
            .await?;
    }
    metrics::reached(&server.client(), "messages_handled_total", 2.0, PATIENCE).await?;
    let list = ["timer", "list", "alarm", "--key", "k"];
    let all = server.command(&list).await?;
    ensure!(all.contains("a/b") && all.contains(" c "), "{all}");
    let cancel = ["timer", "cancel", "alarm", "a/b", "--key", "k"];
    server.command(&cancel).await?;
    server.kill().await?;
    server.start_again().await?;
    let left = server.command(&list).await?;
    ensure!(!left.contains("a/b") && left.contains(" c "), "{left}");
    let again = server.command(&cancel).await.expect_err("it is gone");
    ensure!(again.to_string().contains("no such timer"), "{again}");
    let shown = server
        .command(&["timer", "show", "alarm", "c", "--key", "k"])
        .await?;
    ensure!(shown.contains("\"topic\": \"work\""), "{shown}");
    server.stop().await
}
