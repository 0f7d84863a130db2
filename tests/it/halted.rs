//! A key that its subscription halted: it stays so, for an operator to see, until one acts.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use testkit::metrics;
use testkit::patience::until;

use crate::world::{Host, WAY_IN};

const ROUTES: &str = r#"
[topics]
"work" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "refuse"
retry = []
on_exhausted = "halt"
"#;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_halted_key_is_shown_and_stays_so_until_an_operator_sets_it_going() -> Result<()> {
    let mut host = Host::with(&format!("{ROUTES}{WAY_IN}"), &["refuse"]).await?;
    let server = &mut host.server;
    for (key, body) in [("k", "reject"), ("k", "fine"), ("other", "fine")] {
        let path = format!("/work/{key}");
        let body = Bytes::from(body);
        let reply = server.client().send(Method::POST, &path, body).await?;
        reply.success()?;
    }
    metrics::reached(&server.client(), "messages_handled_total", 1.0, PATIENCE).await?;
    let shown = server.command(&["sub", "halted", "worker"]).await?;
    ensure!(
        shown.contains("as asked") && shown.contains(" k "),
        "{shown}"
    );

    server.kill().await?;
    server.start_again().await?;
    assert_eq!(server.command(&["sub", "halted", "worker"]).await?, shown);
    let one = ["sub", "resume", "worker", "--key", "k"];
    assert_eq!(server.command(&one).await?.trim(), "resumed: 1");
    let nobody = ["sub", "resume", "worker", "--key", "other"];
    assert_eq!(server.command(&nobody).await?.trim(), "resumed: 0");
    let unknown = "/v1/subscriptions/none/resume";
    let api = server.data_api();
    let reply = api.send(Method::POST, unknown, Bytes::new()).await?;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);

    // It fails again, and then is given up.
    let list = || server.command(&["sub", "halted", "worker"]);
    let again = until(PATIENCE, list, |said| said.contains(" k ")).await?;
    ensure!(again.contains("  2  "), "the second attempt: {again}");
    let give_up = ["sub", "resume", "worker", "--give-up"];
    assert_eq!(server.command(&give_up).await?.trim(), "resumed: 1");
    metrics::reached(&server.client(), "messages_handled_total", 1.0, PATIENCE).await?;
    let letters = server
        .command(&["dlq", "list", "--subscription", "worker"])
        .await?;
    ensure!(
        letters.contains(".worker") && letters.contains("as asked"),
        "{letters}"
    );
    let all = server.command(&["sub", "list"]).await?;
    ensure!(all.contains("worker"), "{all}");
    server.stop().await
}
