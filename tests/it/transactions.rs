//! Half messages: settled once, by whoever decides first, over a SIGKILL.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::routing::post;
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::metrics;
use testkit::patience::until;
use testkit::server::Server;
use tokio::net::TcpListener;

use crate::world::Host;

const ROUTES: &str = r#"
[topics]
"work" = {}
"settled" = {}
"told" = {}
"counted" = {}

[transactions."settled"]
first_check = "100ms"
interval = "200ms"
checks_max = 3
check_hosts = ["127.0.0.1:PORT"]

[plugins.half.limits]
deadline = "1s"

[subscriptions.half]
topic = "work"
plugin = "half"
retry = ["10ms", "10ms", "10ms", "10ms", "10ms", "10ms", "10ms", "10ms"]

[subscriptions.counter]
topic = "settled"
plugin = "counter"

[subscriptions.told]
topic = "told"
plugin = "counter"
"#;

const PATIENCE: Duration = Duration::from_secs(30);

async fn host(port: u16) -> Result<Host> {
    let routes = ROUTES.replace("PORT", &port.to_string());
    Host::with(&routes, &["half", "counter"]).await
}

/// Prepares a half message, and returns the transaction's id.
async fn prepare(server: &Server, message: &Value) -> Result<String> {
    let body = Bytes::from(message.to_string());
    let api = server.data_api();
    let reply = api.send(Method::POST, "/v1/transactions", body).await?;
    let answer: Value = reply.success()?.json()?;
    Ok(answer["transaction"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

async fn settle(server: &Server, id: &str, how: &str) -> Result<(StatusCode, Value)> {
    let path = format!("/v1/transactions/{id}/{how}");
    let reply = server
        .data_api()
        .send(Method::POST, &path, Bytes::new())
        .await?;
    Ok((reply.status, reply.json()?))
}

async fn show(server: &Server, id: &str) -> Result<Value> {
    let path = format!("/v1/transactions/{id}");
    server.data_api().get(&path).await?.success()?.json()
}

/// The unsettled transactions, once one is abandoned.
async fn abandoned(server: &Server) -> Result<String> {
    listed(server, "abandoned").await
}

/// The unsettled transactions, once what is listed has these words.
async fn listed(server: &Server, words: &str) -> Result<String> {
    let list = || server.command(&["tx", "list"]);
    until(PATIENCE, list, |said| said.contains(words)).await
}

async fn reached(server: &Server, metric: &str, count: f64) -> Result<()> {
    metrics::reached(&server.client(), metric, count, PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producers_half_message_is_settled_once_over_a_sigkill() -> Result<()> {
    let mut host = host(1).await?;
    let server = &mut host.server;
    let message = json!({ "topic": "counted", "key": "k", "body": "x", "id": "one" });
    let id = prepare(server, &message).await?;
    assert_eq!(prepare(server, &message).await?, id, "the same id again");
    let other = prepare(server, &json!({ "topic": "counted", "body": "y" })).await?;
    server.kill().await?;
    server.start_again().await?;

    let shown = show(server, &id).await?;
    assert_eq!(
        (&shown["state"], &shown["message"]["body"]),
        (&json!("prepared"), &json!("x"))
    );
    let listed = server.command(&["tx", "list"]).await?;
    ensure!(listed.contains(&id) && listed.contains(&other), "{listed}");
    let (status, stands) = settle(server, &id, "commit").await?;
    assert_eq!((status, &stands["before"]), (StatusCode::OK, &json!(false)));
    assert_eq!(
        server.command(&["tx", "rollback", &other]).await?.trim(),
        "rolled-back"
    );
    server.kill().await?;
    server.start_again().await?;

    // Late ones are told so, whatever they want.
    let (status, stands) = settle(server, &id, "commit").await?;
    assert_eq!((status, &stands["before"]), (StatusCode::OK, &json!(true)));
    let (status, problem) = settle(server, &id, "rollback").await?;
    assert_eq!(status, StatusCode::CONFLICT);
    ensure!(
        problem["detail"]
            .to_string()
            .contains("was committed before"),
        "{problem}"
    );
    assert_eq!(show(server, &other).await?["state"], "rolled-back");
    let (_, message) = id.split_once('.').expect("a partition and a message");
    let told = server.command(&["message", "show", message]).await?;
    ensure!(
        told.contains("  prepared") && told.contains("  committed"),
        "{told}"
    );
    let listed = server.command(&["tx", "list"]).await?;
    ensure!(listed.contains("no unsettled"), "{listed}");
    let (status, _) = settle(server, "0.00000000000000000000000000000001", "commit").await?;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = settle(server, "what", "commit").await?;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    server.stop().await
}

/// A producer that is asked about its half messages, and commits those whose body says so.
async fn producer() -> Result<SocketAddr> {
    let decide = |body: Bytes| async move {
        let half: Value = serde_json::from_slice(&body).expect("JSON");
        let decision = match half["body"].as_str() {
            Some("yes") => "commit",
            Some("no") => "rollback",
            _ => "unknown",
        };
        json!({ "decision": decision, "cause": "as it is" }).to_string()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = axum::Router::new().route("/check", post(decide));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_that_went_away_is_asked_at_its_url() -> Result<()> {
    let producer = producer().await?;
    let mut host = host(producer.port()).await?;
    let server = &mut host.server;
    let url = format!("http://{producer}/check");
    let of = |body: &str, url: &str| json!({ "topic": "settled", "key": "k", "body": body, "check_url": url });
    prepare(server, &of("yes", &url)).await?;
    prepare(server, &of("no", &url)).await?;
    let unknown = prepare(server, &of("?", &url)).await?;
    reached(server, "transactions_committed_total", 1.0).await?;
    reached(server, "transactions_rolled_back_total", 1.0).await?;
    reached(server, "messages_handled_total", 1.0).await?;
    // What nobody decides is abandoned, and an operator's.
    abandoned(server).await?;
    let shown = show(server, &unknown).await?;
    assert_eq!(
        (&shown["state"], &shown["checks"]),
        (&json!("abandoned"), &json!(3))
    );
    ensure!(shown["cause"].to_string().contains("as it is"), "{shown}");
    server.command(&["tx", "commit", &unknown]).await?;
    reached(server, "messages_handled_total", 2.0).await?;

    let foreign = of("yes", "http://127.0.0.1:9/check").to_string();
    let api = server.data_api();
    let reply = api
        .send(Method::POST, "/v1/transactions", foreign.into())
        .await?;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    ensure!(reply.to_string().contains("check_hosts"), "{reply}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugins_half_message_is_settled_by_its_handler_or_by_its_checker() -> Result<()> {
    let mut host = host(1).await?;
    let server = &mut host.server;
    for (key, body) in [
        ("a", "one commit"),
        ("b", "two rollback"),
        // Its handler traps once, and finds the half message when it runs again.
        ("c", "three trap"),
        ("d", "yes-four leave"),
        ("e", "no-five leave"),
    ] {
        server
            .command(&["send", "work", "--key", key, "--body", body])
            .await?;
    }
    reached(server, "transactions_committed_total", 3.0).await?;
    reached(server, "transactions_rolled_back_total", 2.0).await?;
    // Five of `half`, three of `counter`.
    reached(server, "messages_handled_total", 8.0).await?;

    // A handler that comes after a check-back is told what it decided, once.
    server
        .command(&["send", "work", "--key", "d", "--body", "yes-four commit"])
        .await?;
    reached(server, "messages_handled_total", 10.0).await?;
    assert_eq!(
        metrics::read(&server.client(), "transactions_committed_total").await?,
        3.0
    );

    // A checker only decides.
    server
        .command(&["send", "work", "--key", "f", "--body", "write-six leave"])
        .await?;
    reached(server, "messages_handled_total", 11.0).await?;
    let listed = abandoned(server).await?;
    ensure!(listed.contains("checker.check"), "{listed}");
    server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_killed_within_a_handler_finds_the_half_message_that_it_prepared() -> Result<()> {
    let mut host = host(1).await?;
    let server = &mut host.server;
    let stay = ["send", "work", "--key", "k", "--body", "undecided-one stay"];
    server.command(&stay).await?;
    listed(server, " settled ").await?;
    server.kill().await?;
    server.start_again().await?;
    // The handler that runs again prepares no second one.
    let all = server.command(&["tx", "list", "--json"]).await?;
    let all: Value = serde_json::from_str(&all)?;
    let all = all["transactions"].as_array().context("a list")?;
    ensure!(all.len() == 1, "{all:?}");
    let id = all[0]["transaction"].as_str().context("an id")?;
    server.command(&["tx", "commit", id]).await?;
    // The message, the handler that was told of the decision, and what it told.
    reached(server, "messages_handled_total", 3.0).await?;
    let left = server.command(&["tx", "list"]).await?;
    assert_eq!(left.trim(), "no unsettled transactions");
    let told = server
        .command(&["message", "list", "--topic", "told"])
        .await?;
    assert_eq!(told.matches(" told ").count(), 1, "{told}");
    let settled = server.command(&["message", "list", "--topic", "settled"]);
    let settled = settled.await?;
    let stored = [" prepared ", " sent "].map(|how| settled.matches(how).count());
    assert_eq!(stored, [1, 1], "{settled}");
    server.stop().await
}
