//! Policies by topic: limits for whoever sends, quotas and back-pressure for those outside, and a
//! retention after which messages are found no more.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::client::Reply;
use testkit::metrics;
use testkit::patience::until;
use testkit::server::Server;

use crate::world::Host;

const PATIENCE: Duration = Duration::from_secs(30);

const LIMITED: &str = r#"
[topics]
"work" = {}

[topics.counted]
body_bytes_max = 4

[topics."small.*"]
body_bytes_max = 8
headers_count_max = 1
headers_bytes_max = 6

[subscriptions.worker]
topic = "work"
plugin = "counter"
retry = []

[[ingress]]
method = "POST"
path = "/small"
topic = "small.one"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_topics_limits_hold_for_those_outside_and_for_handlers() -> Result<()> {
    let mut host = Host::with(LIMITED, &["counter"]).await?;
    let server = &mut host.server;
    let small = |key: &str, value: Value| {
        let mut message = json!({"topic": "small.one"});
        message[key] = value;
        message
    };
    let body = small("body", json!("nine bytes"));
    let cases = [
        ("/v1/messages", body.clone(), 413, "body"),
        ("/v1/transactions", body.clone(), 413, "body"),
        (
            "/v1/request",
            json!({"message": body, "reply_on": ["work"]}),
            413,
            "body",
        ),
        (
            "/v1/messages",
            small("headers", json!([["a", "1"], ["b", "2"]])),
            400,
            "headers",
        ),
        (
            "/v1/messages",
            small("headers", json!([["a", "longer"]])),
            400,
            "headers",
        ),
    ];
    for (path, message, status, field) in cases {
        let reply = post(server, path, &message).await?;
        let problem: Value = reply.json()?;
        assert_eq!(
            (reply.status.as_u16(), &problem["field"]),
            (status, &json!(field))
        );
        let detail = problem["detail"].as_str().context("a detail")?;
        ensure!(detail.contains("over the limit of"), "{path}: {detail}");
        let limit = problem["limit"].as_str().context("a limit")?;
        let topic = problem["topic"].as_str().context("a topic")?;
        let said = format!("of topic `{topic}` (`{limit}`)");
        ensure!(detail.ends_with(&said), "{path}: {detail}");
    }
    refused_on_every_way(server, &body).await?;
    refused_to_a_handler(server).await?;
    server.stop().await
}

/// A body that is too large, at an ingress route, in a batch, and from the command line.
async fn refused_on_every_way(server: &Server, body: &Value) -> Result<()> {
    let text = Bytes::from("nine bytes");
    let reply = server.client().send(Method::POST, "/small", text).await?;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE, "{reply}");
    ensure!(reply.to_string().contains("limit of 8"), "{reply}");

    let messages = json!({"messages": [body, {"topic": "small.one", "body": "eight by"}]});
    let batch: Value = post(server, "/v1/messages/batch", &messages)
        .await?
        .json()?;
    let refused = &batch["results"][0];
    assert_eq!(
        (&refused["status"], &refused["field"]),
        (&json!(413), &json!("body"))
    );
    ensure!(batch["results"][1]["message"].is_string(), "{batch}");
    let sent = ["send", "small.one", "--body", "nine bytes"];
    let said = server.command(&sent).await.expect_err("too large");
    ensure!(said.to_string().contains("limit of 8"), "{said}");

    Ok(())
}

/// What the handler sends is refused there, and so it fails.
async fn refused_to_a_handler(server: &Server) -> Result<()> {
    let send = ["send", "work", "--key", "k", "--body", "five!"];
    server.command(&send).await?;
    let dead = ["dlq", "list", "--json"];
    let letters = until(
        PATIENCE,
        || json_of(server, &dead),
        |it| it["dead_letters"][0].is_object(),
    )
    .await?;
    let cause = letters["dead_letters"][0]["cause"].to_string();
    ensure!(
        cause.contains("body bytes") && cause.contains("limit: 4"),
        "{cause}"
    );
    Ok(())
}

const SCARCE: &str = r#"
[topics.plenty]

[topics.scarce]
messages_per_second = 1
messages_burst = 3
"#;

#[tokio::test(flavor = "multi_thread")]
async fn over_its_quota_a_topic_says_when_to_come_again_and_takes_it_then() -> Result<()> {
    let mut host = Host::with(SCARCE, &[]).await?;
    let server = &mut host.server;
    let message = |id: u32| json!({"topic": "scarce", "key": "k", "id": id.to_string()});
    let first: Value = post(server, "/v1/messages", &message(0)).await?.json()?;
    let (mut id, mut refused) = (0, None);
    while refused.is_none() {
        id += 1;
        ensure!(id < 1_000, "never refused");
        let reply = post(server, "/v1/messages", &message(id)).await?;
        refused = (reply.status != StatusCode::ACCEPTED).then_some(reply);
    }
    let refused = refused.context("refused")?;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{refused}");
    assert_eq!(refused.headers["retry-after"], "1");
    let problem: Value = refused.json()?;
    assert_eq!(
        (&problem["topic"], &problem["quota"]),
        (&json!("scarce"), &json!("messages_per_second"))
    );
    let again: Value = post(server, "/v1/messages", &message(0)).await?.json()?;
    assert_eq!(
        (&again["duplicate"], &again["message"]),
        (&json!(true), &first["message"])
    );

    // What comes behind one that found no room waits with it.
    let mut all: Vec<_> = (1..=10).map(|nth| message(1_000 + nth)).collect();
    all.push(json!({"topic": "plenty", "key": "k"}));
    let batch: Value = post(server, "/v1/messages/batch", &json!({"messages": all}))
        .await?
        .json()?;
    let results = batch["results"].as_array().context("results")?;
    let at = results.iter().position(|it| it["quota"].is_string());
    let (taken, left) = results.split_at(at.context("one over the quota")?);
    ensure!(taken.iter().all(|it| it["message"].is_string()), "{batch}");
    for it in left {
        assert_eq!(
            (&it["status"], &it["retry_after"]),
            (&json!(429), &json!(1))
        );
    }
    assert_eq!(left[0]["topic"], "scarce", "{batch}");

    let refused = message(id);
    let send = || post(server, "/v1/messages", &refused);
    until(PATIENCE, send, |it| it.status == StatusCode::ACCEPTED).await?;
    let shown = server.command(&["topic", "show", "scarce"]).await?;
    ensure!(shown.contains("of 3 used"), "{shown}");
    let name = "topic_refused_total";
    metrics::reached(&server.client(), name, 2.0, PATIENCE).await?;
    server.stop().await
}

const BOUNDED: &str = r#"
[topics.counted]

[topics."work.*"]
pending_max = 3

[subscriptions.worker]
topic = "work.one"
plugin = "counter"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn while_a_subscriber_is_held_up_its_topic_takes_so_many_messages_and_no_more() -> Result<()>
{
    let mut host = Host::with(BOUNDED, &[]).await?;
    let server = &mut host.server;
    let message = json!({"topic": "work.one", "key": "k"});
    for _ in 0..3 {
        post(server, "/v1/messages", &message).await?.success()?;
    }
    let reply = post(server, "/v1/messages", &message).await?;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS, "{reply}");
    ensure!(reply.headers.contains_key("retry-after"), "{reply}");
    let problem: Value = reply.json()?;
    assert_eq!(
        (&problem["topic"], &problem["quota"]),
        (&json!("work.*"), &json!("pending_max"))
    );
    ensure!(reply.to_string().contains("`worker`"), "{reply}");
    let shown = server
        .command(&["topic", "show", "work.one", "--json"])
        .await?;
    let shown: Value = serde_json::from_str(&shown)?;
    assert_eq!(shown["name"], "work.*");
    let worker = json!([{"name": "worker", "pending": 3}]);
    assert_eq!(shown["subscriptions"], worker);
    assert_eq!(shown["refused"], json!({"pending_max": 1}));
    let client = server.client();
    for (name, value) in [
        ("subscription_waiting", 3.0),
        ("subscription_lag_seconds", 0.001),
        ("topic_messages_total", 3.0),
    ] {
        metrics::reached(&client, name, value, PATIENCE).await?;
    }

    let counter = wasmill_test_guests::bytes("counter");
    host.installation.put_plugin("counter", &counter)?;
    let server = &mut host.server;
    let send = || post(server, "/v1/messages", &message);
    until(PATIENCE, send, |it| it.status == StatusCode::ACCEPTED).await?;
    metrics::reached(
        &client,
        "subscription_queueing_seconds_count",
        4.0,
        PATIENCE,
    )
    .await?;
    let listed = server.command(&["topic", "list"]).await?;
    ensure!(
        listed.contains("counted") && listed.contains("work.*"),
        "{listed}"
    );
    let first = json_of(server, &["topic", "list", "--limit", "1", "--json"]).await?;
    assert_eq!(
        (&first["topics"][0]["name"], &first["topics"][1]),
        (&first["next"], &Value::Null)
    );
    let rest = ["topic", "list", "--after", "counted", "--json"];
    let rest = json_of(server, &rest).await?;
    assert_eq!(
        (&rest["topics"][0]["name"], &rest["next"]),
        (&json!("work.*"), &Value::Null)
    );
    let unknown = server.command(&["topic", "show", "other"]).await;
    let unknown = unknown.expect_err("not declared").to_string();
    ensure!(unknown.contains("`other` is not declared"), "{unknown}");
    server.stop().await
}

const BRIEF: &str = r#"
[topics]
"kept" = {}
"counted" = {}

[topics.brief]
retention = "1s"

[subscriptions.worker]
topic = "brief"
plugin = "counter"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_its_topic_keeps_no_longer_is_not_found_and_yet_delivered() -> Result<()> {
    let mut host = Host::with(BRIEF, &[]).await?;
    let server = &mut host.server;
    let send = async |topic: &str| -> Result<String> {
        let message = json!({"topic": topic, "key": "k"});
        let sent: Value = post(server, "/v1/messages", &message).await?.json()?;
        Ok(sent["message"].as_str().context("an id")?.to_owned())
    };
    let (brief, kept) = (send("brief").await?, send("kept").await?);
    // It is over for readers, and found only because it waits.
    let list = ["message", "list", "--key", "k", "--json"];
    let is_over = |it: &Value| it["messages"][1]["stored"] == "queued";
    let found = until(PATIENCE, || json_of(server, &list), is_over).await?;
    let ids = [0, 1].map(|nth| found["messages"][nth]["message"]["id"].clone());
    assert_eq!(ids, [json!(kept), json!(brief)]);
    let show = ["message", "show", brief.as_str()];
    server.command(&show).await?;

    // It is delivered once somebody handles it; then it is found no more, and too old for a replay.
    let counter = wasmill_test_guests::bytes("counter");
    host.installation.put_plugin("counter", &counter)?;
    let server = &mut host.server;
    let handled = "messages_handled_total";
    metrics::reached(&server.client(), handled, 1.0, PATIENCE).await?;
    server.command(&show).await.expect_err("it is over");
    let to_first = ["sub", "move", "worker", "--to", "first"];
    server.command(&to_first).await?;
    let position = ["sub", "position", "worker", "--json"];
    let stands = until(
        PATIENCE,
        || json_of(server, &position),
        |it| it["moving"].is_null(),
    )
    .await?;
    assert_eq!(stands["pending"], 0, "{stands}");
    assert_eq!(metrics::read(&server.client(), handled).await?, 1.0);
    server.stop().await
}

async fn post(server: &Server, path: &str, body: &Value) -> Result<Reply> {
    let body = Bytes::from(body.to_string());
    server.data_api().send(Method::POST, path, body).await
}

/// What a command says in JSON.
async fn json_of(server: &Server, command: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&server.command(command).await?)?)
}
