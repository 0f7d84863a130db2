//! Dead letters in an operator's hands: listed, shown, delivered again, done away with, over the
//! data API and the command line, across a SIGKILL.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::Value;
use testkit::client::Client;
use testkit::metrics;
use testkit::patience::until;
use testkit::server::Server;

use crate::world::{Host, WAY_IN};

/// The first subscription gives up at once what its plugin fails on.
const ROUTES: &str = r#"
[topics]
"work" = {}
"spare" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "refuse"
retry = []

[subscriptions.spare]
topic = "spare"
plugin = "counter"
"#;

/// The body that the plugin fails on.
const POISON: &[u8] = b"retry";
/// Messages given up.
const LETTERS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_redriven_and_purged_and_stay_so_after_a_sigkill() -> Result<()> {
    let mut host = Host::with(&format!("{ROUTES}{WAY_IN}"), &["refuse", "counter"]).await?;
    let server = &mut host.server;
    give_up(&server.client()).await?;
    let ids = letters(&server.data_api(), LETTERS).await?;

    let shown = server.data_api().get(&at(&ids[0])).await?.success()?;
    let shown: Value = serde_json::from_slice(&shown.body)?;
    assert_eq!(shown["message"]["body"], "retry");
    assert_eq!(
        (&shown["subscription"], &shown["attempts"]),
        (&"worker".into(), &1.into())
    );
    ensure!(
        shown["cause"].as_str().is_some_and(|it| !it.is_empty()),
        "{shown}"
    );

    nothing_comes_of_nonsense(&server.data_api(), &ids[0]).await?;

    // One is purged, one fails again, and becomes a dead letter anew.
    server.command(&["dlq", "purge", &ids[0]]).await?;
    let said = server
        .command(&["dlq", "purge", &ids[0]])
        .await
        .expect_err("it is gone")
        .to_string();
    ensure!(said.contains("no such dead letter"), "{said}");
    server.command(&["dlq", "redrive", &ids[1]]).await?;
    let rest = letters(&server.data_api(), LETTERS - 1).await?;
    ensure!(
        !rest.contains(&ids[0]) && !rest.contains(&ids[1]),
        "{rest:?}"
    );

    let rest = across_restarts(server, rest).await?;
    let table = server
        .command(&["dlq", "list", "--subscription", "worker"])
        .await?;
    ensure!(rest.iter().all(|id| table.contains(id)), "{table}");

    // The rest goes where somebody can handle it.
    let all = [
        "dlq",
        "redrive",
        "--subscription",
        "worker",
        "--to",
        "spare",
    ];
    let told = server.command(&all).await?;
    let [count, hint] = &told.lines().collect::<Vec<_>>()[..] else {
        panic!("{told}")
    };
    assert_eq!(*count, format!("redriven: {}", rest.len()));
    ensure!(hint.ends_with("dlq list --subscription spare"), "{hint}");
    let all = rest.len() as f64;
    metrics::reached(&server.client(), "messages_handled_total", all, PATIENCE).await?;
    server.kill().await?;
    server.start_again().await?;
    assert_eq!(letters(&server.data_api(), 0).await?, Vec::<String>::new());
    assert_eq!(
        server.command(&["dlq", "list"]).await?.trim(),
        "no dead letters"
    );
    server.stop().await
}

/// Purges one of the letters, has others come, and returns all that there are then.
async fn across_restarts(server: &mut Server, letters_before: Vec<String>) -> Result<Vec<String>> {
    // An orderly end puts them into the view; a SIGKILL leaves the newest to the log.
    server.stop().await?;
    server.start_again().await?;
    assert_eq!(
        letters(&server.data_api(), LETTERS - 1).await?,
        letters_before
    );
    let purged = &letters_before[0];
    server.command(&["dlq", "purge", purged]).await?;
    give_up(&server.client()).await?;
    let rest = letters(&server.data_api(), 2 * LETTERS - 2).await?;
    ensure!(!rest.contains(purged), "{rest:?}");
    server.kill().await?;
    server.start_again().await?;
    assert_eq!(letters(&server.data_api(), rest.len()).await?, rest);
    Ok(rest)
}

/// Sends what the plugin fails on.
async fn give_up(client: &Client) -> Result<()> {
    for key in 0..LETTERS {
        let path = format!("/work/key-{key}");
        let body = Bytes::from_static(POISON);
        let reply = client.send(Method::POST, &path, body).await?;
        reply.success()?;
    }
    Ok(())
}

/// What cannot be done is refused, and changes nothing.
async fn nothing_comes_of_nonsense(api: &Client, id: &str) -> Result<()> {
    use {Method as M, StatusCode as S};
    let refused = [
        (M::GET, at("1.2"), S::BAD_REQUEST),
        (M::DELETE, at("65535.1.worker"), S::NOT_FOUND),
        (M::POST, at(id) + "/redrive?to=none", S::CONFLICT),
        (M::POST, at(id) + "/redrive?too=spare", S::BAD_REQUEST),
        (
            M::GET,
            "/v1/dead-letters?limit=0".to_owned(),
            S::BAD_REQUEST,
        ),
        (M::GET, "/v2/dead-letters".to_owned(), S::NOT_FOUND),
    ];
    for (method, path, status) in refused {
        let reply = api.send(method, &path, Bytes::new()).await?;
        assert_eq!(reply.status, status, "{path}: {reply}");
    }
    Ok(())
}

fn at(id: &str) -> String {
    format!("/v1/dead-letters/{id}")
}

/// The ids of all dead letters, once there are so many.
async fn letters(api: &Client, count: usize) -> Result<Vec<String>> {
    until(PATIENCE, || all_letters(api), |ids| ids.len() == count).await
}

/// The ids of all dead letters there are, read in pages of two.
async fn all_letters(api: &Client) -> Result<Vec<String>> {
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/v1/dead-letters?limit=2{after}")).await?;
        let page: Value = page.success()?.json()?;
        let found = page["dead_letters"].as_array().context("a list")?;
        let found = found.iter().filter_map(|it| it["id"].as_str());
        ids.extend(found.map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Ok(ids),
        }
    }
}
