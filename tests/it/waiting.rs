//! Messages that wait for longer than the log is kept: looked up all the same, as what they are,
//! over a SIGKILL and until they are handled.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::patience::until;
use testkit::server::Server;

use crate::world::Host;

const ROUTES: &str = r#"
[log]
retention_bytes = "64MiB"

[topics]
"noise" = {}
"later" = { retention = "1s" }
"work" = { retention = "1s" }
"strict" = {}
"doomed" = {}
"counted" = {}

[transactions."later"]
first_check = "1h"

[subscriptions.later]
topic = "later"
plugin = "refuse"

[subscriptions.worker]
topic = "work"
plugin = "refuse"
retry = ["1h"]

[subscriptions.strict]
topic = "strict"
plugin = "refuse"
retry = []
on_exhausted = "halt"

[subscriptions.doomed]
topic = "doomed"
plugin = "refuse"
retry = []
"#;

const PATIENCE: Duration = Duration::from_secs(120);
/// Of a message that only fills the log.
const NOISE_BYTES: usize = 4 << 20;

/// What waits: its id, its key, its state in its story and in a list.
struct Waiter {
    id: String,
    key: &'static str,
    state: &'static str,
    stored: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_found_when_the_log_no_longer_reaches_back_to_it() -> Result<()> {
    let mut host = Host::with(ROUTES, &["refuse"]).await?;
    let server = &mut host.server;
    let waiters = crowd(server).await?;
    // As the log has them: those of some topics are over for readers, but they wait.
    check_keys(server, &waiters).await?;
    flood(server).await?;
    check(server, &waiters).await?;
    in_pages(server, &waiters).await?;

    server.kill().await?;
    server.start_again().await?;
    // A kill may take the last trim of the log back.
    flood(server).await?;
    check(server, &waiters).await?;

    // What ends is told by the log, or by nobody.
    let [delayed, .., dead, _] = &waiters[..] else {
        unreachable!("six")
    };
    server
        .command(&["dlq", "purge", &letter(server).await?])
        .await?;
    let path = format!("/v1/messages/{}", dead.id);
    let gone = server.data_api().get(&path).await?;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{gone}");
    ensure!(show(server, delayed).await?["events"][0]["due"].is_string());
    server.stop().await
}

/// Sends what is to wait, and sees that it does.
async fn crowd(server: &Server) -> Result<Vec<Waiter>> {
    let mut waiters = Vec::new();
    for (topic, key, body, state, stored) in [
        ("later", "d", "delayed", "delayed", "delayed"),
        ("work", "p", "retry", "parked", "queued"),
        ("work", "p", "behind", "queued", "queued"),
        ("strict", "h", "reject", "halted", "queued"),
        ("doomed", "x", "reject", "dead_letter", "dead_letter"),
    ] {
        let mut send = vec!["send", topic, "--key", key, "--body", body];
        if state == "delayed" {
            send.extend(["--delay", "1h"]);
        }
        send.push("--json");
        let sent: Value = serde_json::from_str(&server.command(&send).await?)?;
        let id = sent["message"].as_str().context("an id")?.to_owned();
        waiters.push(Waiter {
            id,
            key,
            state,
            stored,
        });
    }
    let half = json!({"topic": "later", "key": "t", "body": "half"});
    let body = Bytes::from(half.to_string());
    let api = server.data_api();
    let half: Value = api
        .send(Method::POST, "/v1/transactions", body)
        .await?
        .success()?
        .json()?;
    waiters.push(Waiter {
        id: half["message"].as_str().context("an id")?.to_owned(),
        key: "t",
        state: "prepared",
        stored: "prepared",
    });
    let failed = || server.command(&["trace", "--key", "p"]);
    until(PATIENCE, failed, |told| told.contains("retry at attempt 1")).await?;
    let letters = || server.command(&["dlq", "list"]);
    until(PATIENCE, letters, |told| told.contains(".doomed")).await?;
    let halted = || server.command(&["sub", "halted", "strict"]);
    until(PATIENCE, halted, |told| told.contains("as asked")).await?;
    Ok(waiters)
}

/// Fills the log until it begins after what is there now.
async fn flood(server: &Server) -> Result<()> {
    let noise = json!({"topic": "noise", "body": "x".repeat(NOISE_BYTES)}).to_string();
    let api = server.data_api();
    let first: Value = list(server, "limit=1").await?;
    let before = first["messages"][0]["at"].as_str().context("a time")?;
    let more = async || {
        for _ in 0..4 {
            let body = Bytes::from(noise.clone());
            api.send(Method::POST, "/v1/messages", body)
                .await?
                .success()?;
        }
        list(server, "limit=1").await
    };
    let is_past = |page: &Value| page["log"]["since"].as_str().is_some_and(|it| it > before);
    until(PATIENCE, more, is_past).await?;
    Ok(())
}

async fn list(server: &Server, query: &str) -> Result<Value> {
    let path = format!("/v1/messages?{query}");
    server.data_api().get(&path).await?.success()?.json()
}

async fn show(server: &Server, waiter: &Waiter) -> Result<Value> {
    let shown = ["message", "show", &waiter.id, "--json"];
    Ok(serde_json::from_str(&server.command(&shown).await?)?)
}

async fn check_keys(server: &Server, waiters: &[Waiter]) -> Result<()> {
    for waiter in waiters {
        let page = list(server, &format!("key={}", waiter.key)).await?;
        let all = page["messages"].as_array().context("messages")?;
        let here = all.iter().filter(|it| it["message"]["id"] == *waiter.id);
        assert_eq!(here.count(), 1, "{}: {page:#}", waiter.state);
    }
    Ok(())
}

/// Each is shown, listed and traced as what it is, and once.
async fn check(server: &Server, waiters: &[Waiter]) -> Result<()> {
    check_keys(server, waiters).await?;
    for waiter in waiters {
        let shown = show(server, waiter).await?;
        let events = shown["events"].as_array().context("events")?;
        assert_eq!(events.len(), 1, "{shown:#}");
        let event = &events[0];
        assert_eq!(
            (&event["event"], &event["state"]),
            (&"waits".into(), &waiter.state.into()),
            "{shown:#}"
        );
        ensure!(shown["message"]["body"].is_string(), "{shown:#}");
        if ["parked", "halted", "dead_letter"].contains(&waiter.state) {
            assert_eq!(
                (&event["attempts"], &event["cause"]),
                (&1.into(), &"as asked".into())
            );
        }
        let page = list(server, &format!("correlation={}", waiter.id)).await?;
        assert_eq!(page["messages"][0]["stored"], waiter.stored, "{page:#}");
        assert_eq!(page["messages"].as_array().map(Vec::len), Some(1));
        for how in [&["trace", &*waiter.id][..], &["trace", "--key", waiter.key]] {
            let tree = server.command(how).await?;
            ensure!(tree.contains(&waiter.id), "{tree}");
        }
    }
    Ok(())
}

/// Page by page they come after all that the log has, newest first.
async fn in_pages(server: &Server, waiters: &[Waiter]) -> Result<()> {
    let (mut after, mut listed) = (String::new(), Vec::new());
    loop {
        let page = list(server, &format!("limit=2{after}")).await?;
        for found in page["messages"].as_array().context("messages")? {
            listed.push(found["message"]["id"].as_str().context("an id")?.to_owned());
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let at = listed.len().checked_sub(waiters.len()).context("all")?;
    let mut last: Vec<_> = listed.split_off(at);
    let mut sent: Vec<_> = waiters.iter().map(|it| it.id.clone()).collect();
    last.sort();
    sent.sort();
    assert_eq!(last, sent);
    ensure!(!listed.iter().any(|id| sent.contains(id)), "some twice");
    Ok(())
}

/// The id of the one dead letter.
async fn letter(server: &Server) -> Result<String> {
    let letters = server.data_api().get("/v1/dead-letters").await?.success()?;
    let letters: Value = letters.json()?;
    let id = letters["dead_letters"][0]["id"].as_str();
    Ok(id.context("a letter")?.to_owned())
}
