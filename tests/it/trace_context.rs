//! Messages stay in the trace of the request that they come of.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;
use testkit::metrics;
use testkit::server::Server;

use crate::world::{COUNTER, Host, WAY_IN};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// One by each way in.
const SENT: usize = 4;
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_of_a_request_stays_in_its_trace() -> Result<()> {
    let mut host = Host::with(&format!("{COUNTER}{WAY_IN}"), &["counter"]).await?;
    let server = &mut host.server;
    let headers = [("traceparent", PARENT)];
    let work = server.client();
    let reply = work.request(Method::POST, "/work/k", &headers, Bytes::from("x"));
    reply.await?.success()?;
    let api = server.data_api();
    let message = r#"{"topic": "work", "key": "l"}"#;
    for (path, body) in [
        ("/v1/messages", message.to_owned()),
        (
            "/v1/messages/batch",
            format!(r#"{{"messages": [{message}]}}"#),
        ),
        (
            "/v1/request",
            format!(r#"{{"message": {message}, "reply_on": ["counted"]}}"#),
        ),
    ] {
        let reply = api.request(Method::POST, path, &headers, body.into());
        reply.await?.success()?;
    }
    metrics::reached(
        &server.client(),
        "messages_handled_total",
        SENT as f64,
        PATIENCE,
    )
    .await?;

    for sent in found(server, "work").await? {
        assert_eq!(parent(&sent)?, PARENT);
    }
    let derived = found(server, "counted").await?;
    assert_eq!(derived.len(), SENT);
    for message in derived {
        let cause = message["causation"].as_str().context("a cause")?;
        let span = &cause[16..];
        let expected = format!("{}-{span}-01", &PARENT[..35]);
        assert_eq!(parent(&message)?, expected);
    }
    server.stop().await
}

async fn found(server: &Server, topic: &str) -> Result<Vec<Value>> {
    let listed = server
        .command(&["message", "list", "--topic", topic, "--json"])
        .await?;
    let listed: Value = serde_json::from_str(&listed)?;
    let messages = listed["messages"].as_array().context("messages")?;
    ensure!(messages.len() == SENT, "{listed}");
    Ok(messages.iter().map(|it| it["message"].clone()).collect())
}

fn parent(message: &Value) -> Result<String> {
    let headers = message["headers"].as_array().context("headers")?;
    let own = headers.iter().find(|pair| pair[0] == "traceparent");
    let own = own.with_context(|| format!("no trace: {message}"))?;
    Ok(own[1].as_str().context("a text")?.to_owned())
}
