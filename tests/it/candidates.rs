//! Versions on trial beside the one that serves, on a running host: a canary that fails is rolled
//! back by itself and no message is lost; a shadow tells what differs and commits nothing.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hyper::Method;
use serde_json::{Value, json};
use testkit::server::Server;
use testkit::{metrics, sized};

use crate::world::{COUNTER, Host};

/// Nothing is delivered again by itself: what fails is a dead letter.
fn routes() -> String {
    format!("{COUNTER}retry = []\n")
}

const PATIENCE: Duration = Duration::from_secs(120);
/// Messages of one request.
const BATCH: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_fails_is_rolled_back_by_itself_and_no_message_is_lost() -> Result<()> {
    let mut host = Host::with(&routes(), &["counter"]).await?;
    let candidate = host.keep_beside("trap").await?;
    let server = &mut host.server;
    let share = ["--share", "20%", "--window", "1h", "--promote"];
    let begin = [&["plugin", "canary", "counter", &candidate], &share[..]].concat();
    let told = server.command(&begin).await?;
    ensure!(told.contains("under way"), "{told}");
    let count = sized(2_000, 20_000);
    send(server, count, 0).await?;
    handled(server, count).await?;

    let told = status(server).await?;
    assert_eq!(told["status"], "rolled_back", "{told:#}");
    let of_candidate = &told["canary"]["of_candidate"];
    assert_eq!(of_candidate["messages"], of_candidate["errors"]);
    assert_eq!(
        metrics::read(&server.client(), "messages_failed_total").await?,
        0.0
    );
    let letters: Value = server.ask("/v1/dead-letters").await?;
    assert_eq!(letters["dead_letters"], json!([]), "{letters}");
    let told = server.command(&["plugin", "candidate", "counter"]).await?;
    ensure!(
        told.contains("rolled back") && told.contains("failed"),
        "{told}"
    );

    server.kill().await?;
    server.start_again().await?;
    send(server, 10, count).await?;
    let messages = "/v1/messages?topic=work&limit=1";
    let last: Value = server.ask(messages).await?;
    ensure!(last["messages"][0].is_object(), "{last}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_over_ten_thousand_messages_shows_a_planted_difference() -> Result<()> {
    let mut host = Host::with(&routes(), &["counter"]).await?;
    let candidate = host.keep_beside("doubler").await?;
    let server = &mut host.server;
    server
        .command(&["plugin", "shadow", "counter", &candidate, "--count", "2"])
        .await?;
    let count = 10_000;
    send(server, count, 0).await?;
    handled(server, count).await?;

    let told = status(server).await?;
    let shadow = &told["shadow"];
    assert_eq!(
        (&shadow["messages"], &shadow["different"], &shadow["faults"]),
        (&json!(count), &json!(count), &json!(0)),
        "{told:#}"
    );
    let differing = shadow["differing"].as_array().context("a list")?;
    assert_eq!(differing.len(), 2);
    assert_eq!(
        differing[0]["differences"],
        json!([{"what": "state `seen`", "running": "\"1\"", "candidate": "\"2\""}])
    );
    let told = server.command(&["plugin", "abort", "counter"]).await?;
    ensure!(
        told.contains("state `seen`: running \"1\"; candidate \"2\""),
        "{told}"
    );

    // Nothing that the candidate sent is there, and a key's count is what the running version wrote.
    assert_eq!(stored(server, "counted").await?, count);
    let id = differing[0]["message"].as_str().context("an id")?;
    let shown: Value = server.ask(&format!("/v1/messages/{id}")).await?;
    let key = shown["message"]["key"].as_str().context("a key")?;
    let nth: usize = key.trim_start_matches("key-").parse()?;
    server
        .command(&["plugin", "shadow", "counter", &candidate])
        .await?;
    send(server, 1, nth).await?;
    handled(server, count + 1).await?;
    let told = status(server).await?;
    assert_eq!(
        told["shadow"]["differing"][0]["differences"],
        json!([{"what": "state `seen`", "running": "\"2\"", "candidate": "\"3\""}])
    );
    assert_eq!(stored(server, "counted").await?, count + 1);
    let failed = metrics::read(&server.client(), "messages_failed_total").await?;
    assert_eq!(failed, 0.0);
    server.stop().await
}

/// Sends messages, each under a key of its own, whose numbers begin here.
async fn send(server: &Server, count: usize, first: usize) -> Result<()> {
    let numbers: Vec<usize> = (first..first + count).collect();
    for part in numbers.chunks(BATCH) {
        let messages = part
            .iter()
            .map(|nth| json!({"topic": "work", "key": format!("key-{nth}"), "body": "x"}));
        let batch = json!({"messages": messages.collect::<Vec<_>>()});
        let body = batch.to_string().into();
        let client = server.data_api();
        let sent = client
            .send(Method::POST, "/v1/messages/batch", body)
            .await?;
        sent.success()?;
    }
    Ok(())
}

/// How many messages of a topic there are.
async fn stored(server: &Server, topic: &str) -> Result<usize> {
    let (mut count, mut after) = (0, String::new());
    loop {
        let path = format!("/v1/messages?topic={topic}&limit=1000{after}");
        let page: Value = server.ask(&path).await?;
        count += page["messages"].as_array().context("a list")?.len();
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(count),
        }
    }
}

async fn handled(server: &Server, count: usize) -> Result<()> {
    let counter = "messages_handled_total";
    metrics::reached(&server.client(), counter, count as f64, PATIENCE).await
}

async fn status(server: &Server) -> Result<Value> {
    server.ask("/v1/plugins/counter/candidate").await
}
