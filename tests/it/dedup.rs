//! Duplicates that the routes tell by an id: handled once, over a SIGKILL, and only as long as the
//! handling that succeeded is remembered.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::metrics;
use testkit::patience::until;
use testkit::server::Server;
use tokio::time::Instant;

use crate::world::Host;

/// Whatever a handler of `work` did successfully, it sent one message to `counted`.
const ROUTES: &str = r#"
[topics]
"work" = {}
"brief" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "refuse"
dedup = { id = "header:x-id", window = "1h" }
retry = ["10ms"]

[subscriptions.brief]
topic = "brief"
plugin = "refuse"
dedup = { id = "/id", window = "1s" }

[[ingress]]
method = "POST"
path = "/payments/{user}"
topic = "work"
key = "path:user"
dedup_id = "/payment_id"
"#;

const DUPLICATES: &str = "messages_duplicate_total";
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a message under an id that the subscription tells duplicates by; returns its own id.
async fn send(server: &Server, key: &str, id: Option<&str>, body: &str) -> Result<String> {
    let headers: Vec<_> = id.iter().map(|id| ["x-id", *id]).collect();
    let message = json!({ "topic": "work", "key": key, "headers": headers, "body": body });
    take_in(server, &message).await
}

async fn take_in(server: &Server, message: &Value) -> Result<String> {
    let body = Bytes::from(message.to_string());
    let api = server.data_api();
    let reply = api.send(Method::POST, "/v1/messages", body).await?;
    let answer: Value = reply.success()?.json()?;
    Ok(answer["message"].as_str().context("an id")?.to_owned())
}

/// Waits until no message waits or runs.
async fn drained(server: &Server) -> Result<()> {
    let is_drained = |all: &Value| {
        let subs = all["subscriptions"].as_array();
        subs.is_some_and(|subs| subs.iter().all(|it| it["pending"] == 0))
    };
    until(PATIENCE, || get(server, "/v1/subscriptions"), is_drained).await?;
    Ok(())
}

/// How many calls of handlers succeeded since the data directory is there.
async fn counted(server: &Server) -> Result<usize> {
    let found = get(server, "/v1/messages?topic=counted&limit=1000").await?;
    Ok(found["messages"].as_array().context("messages")?.len())
}

/// How the deliveries of a message ended, in their order, and by which code.
async fn outcomes(server: &Server, message: &str) -> Result<Vec<(String, bool)>> {
    let told = get(server, &format!("/v1/messages/{message}")).await?;
    let events = told["events"].as_array().context("events")?;
    let handled = events.iter().filter(|event| event["event"] == "handled");
    let outcome = |event: &Value| {
        let outcome = event["outcome"].as_str()?.to_owned();
        Some((outcome, event["version"].is_string()))
    };
    let outcomes = handled.map(|event| outcome(event).context("an outcome"));
    outcomes.collect()
}

async fn get(server: &Server, path: &str) -> Result<Value> {
    server.data_api().get(path).await?.success()?.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_that_the_routes_tell_are_handled_once_over_a_sigkill() -> Result<()> {
    let mut host = Host::with(ROUTES, &["refuse"]).await?;
    let server = &mut host.server;
    send(server, "k", Some("a"), "x").await?;
    let again = send(server, "k", Some("a"), "another body").await?;
    send(server, "k", Some("b"), "x").await?;
    // The same id under another key is another one, and what has none is handled each time.
    send(server, "other", Some("a"), "x").await?;
    send(server, "k", None, "x").await?;
    send(server, "k", None, "x").await?;
    drained(server).await?;
    assert_eq!(counted(server).await?, 5);
    let client = server.client();
    assert_eq!(metrics::read(&client, DUPLICATES).await?, 1.0);
    assert_eq!(
        metrics::read(&client, "messages_unidentified_total").await?,
        2.0
    );
    assert_eq!(
        outcomes(server, &again).await?,
        [("duplicate".to_owned(), false)]
    );
    let shown = server.command(&["message", "show", &again]).await?;
    ensure!(shown.contains("duplicate"), "{shown}");

    // Killed in the middle of a flood in which all comes twice.
    for nth in 0..100 {
        let (key, id) = (format!("key-{}", nth % 10), format!("id-{nth}"));
        send(server, &key, Some(&id), "x").await?;
        send(server, &key, Some(&id), "x").await?;
    }
    server.kill().await?;
    server.start_again().await?;
    drained(server).await?;
    assert_eq!(counted(server).await?, 105);
    for nth in 0..100 {
        let (key, id) = (format!("key-{}", nth % 10), format!("id-{nth}"));
        send(server, &key, Some(&id), "x").await?;
    }
    drained(server).await?;
    // Those of the log and those of the view alike.
    server.stop().await?;
    server.start_again().await?;
    send(server, "k", Some("b"), "x").await?;
    drained(server).await?;
    assert_eq!(counted(server).await?, 105);
    assert_eq!(metrics::read(&server.client(), DUPLICATES).await?, 1.0);
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_failed_is_no_duplicate_of_itself() -> Result<()> {
    let mut host = Host::with(ROUTES, &["refuse"]).await?;
    let server = &mut host.server;
    let retried = send(server, "k", Some("retried"), "retry-once").await?;
    let after = send(server, "k", Some("retried"), "x").await?;
    drained(server).await?;
    let [failed, done] = [("retry".to_owned(), true), ("done".to_owned(), true)];
    assert_eq!(outcomes(server, &retried).await?, [failed, done.clone()]);
    let duplicate = ("duplicate".to_owned(), false);
    let told = outcomes(server, &after).await?;
    assert_eq!(told, std::slice::from_ref(&duplicate));

    // What is given up leaves no claim: redriven, it is handled, and given up again.
    let dead = send(server, "k", Some("dead"), "reject").await?;
    drained(server).await?;
    server.kill().await?;
    server.start_again().await?;
    let redrive = ["dlq", "redrive", "--subscription", "worker"];
    server.command(&redrive).await?;
    drained(server).await?;
    let given_up = ("dead_letter".to_owned(), true);
    assert_eq!(
        outcomes(server, &dead).await?,
        [given_up.clone(), given_up.clone()]
    );
    // Another one of its id is handled; then the letter is a duplicate.
    let other = send(server, "k", Some("dead"), "x").await?;
    drained(server).await?;
    assert_eq!(outcomes(server, &other).await?, [done]);
    server.command(&redrive).await?;
    drained(server).await?;
    assert_eq!(
        outcomes(server, &dead).await?,
        [given_up.clone(), given_up, duplicate]
    );
    let letters = server.command(&["dlq", "list"]).await?;
    assert_eq!(letters.trim(), "no dead letters");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_forgotten_when_its_window_is_over() -> Result<()> {
    let mut host = Host::with(ROUTES, &["refuse"]).await?;
    let server = &mut host.server;
    let body = json!({ "id": 7 }).to_string();
    let message = json!({ "topic": "brief", "key": "k", "body": body });
    // Duplicates do not prolong it: the one that comes after the window is handled.
    let (begun, sent) = (Instant::now(), Cell::new(0));
    let send_and_count = async || {
        take_in(server, &message).await?;
        drained(server).await?;
        sent.set(sent.get() + 1);
        counted(server).await
    };
    until(PATIENCE, send_and_count, |count| *count >= 2).await?;
    let sent = sent.get();
    ensure!(begun.elapsed() >= Duration::from_secs(1), "{sent} sent");
    let duplicates = metrics::read(&server.client(), DUPLICATES).await?;
    assert_eq!(duplicates + 2.0, f64::from(sent));
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingress_route_tells_the_requests_of_an_id_that_it_names() -> Result<()> {
    let mut host = Host::with(ROUTES, &["refuse"]).await?;
    let server = &mut host.server;
    let mut answers = Vec::new();
    for key in ["one", "two"] {
        let body = Bytes::from_static(b"{\"payment_id\":\"p-1\"}");
        let header = [("idempotency-key", key)];
        let client = server.client();
        let reply = client.request(Method::POST, "/payments/u", &header, body);
        answers.push(reply.await?.success()?.json::<Value>()?["message_id"].clone());
        server.kill().await?;
        server.start_again().await?;
    }
    assert_eq!(answers[0], answers[1], "whatever the header says");
    for (body, status) in [
        (
            "{\"payment_id\":\"p-1\",\"amount\":2}",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("{}", StatusCode::BAD_REQUEST),
    ] {
        let client = server.client();
        let reply = client.send(Method::POST, "/payments/u", Bytes::from(body));
        assert_eq!(reply.await?.status, status, "{body}");
    }
    server.stop().await
}
