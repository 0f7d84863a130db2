//! Dead letters that a good version of their plugin is to handle, while a bad one serves: previewed,
//! redriven through it, and killed in between.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use testkit::metrics;
use testkit::patience::until;
use testkit::server::Server;

use crate::world::{COUNTER, Host, WAY_IN};

/// The body that the bad version fails on, by whatever version its plugin was sent.
const POISON: &str = "retry";
/// Letters under each of the keys.
const KEYS: [&str; 3] = ["a", "b", "c"];
const OF_A_KEY: usize = 2;
const LETTERS: usize = KEYS.len() * OF_A_KEY;
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_previewed_and_redriven_through_a_version_that_does_not_serve_over_a_sigkill()
-> Result<()> {
    let routes = format!("{COUNTER}retry = []\n{WAY_IN}");
    let mut host = Host::with(&routes, &[]).await?;
    host.installation
        .put_plugin("counter", &wasmill_test_guests::bytes("refuse"))?;
    for _ in 0..OF_A_KEY {
        for key in KEYS {
            send(&host.server, key).await?;
        }
    }
    let ids = letters(&host.server, LETTERS).await?;
    let good = beside(&host, "counter").await?;
    let server = &mut host.server;

    nothing_is_done_by_a_preview(server, &good, &ids).await?;
    let why = refused(
        server,
        &["--subscription", "worker", "--version", "00000000"],
    )
    .await?;
    ensure!(why.contains("no version `00000000` is kept"), "{why}");
    assert_eq!(letters(server, LETTERS).await?, ids);

    // They wait for the plugin when the host is killed.
    server.command(&["plugin", "disable", "counter"]).await?;
    redrive(server, &[&ids[0]], &good, 1).await?;
    redrive(server, &["--subscription", "worker"], &good, LETTERS - 1).await?;
    server.kill().await?;
    server.start_again().await?;
    letters(server, 0).await?;
    server.command(&["plugin", "enable", "counter"]).await?;
    let client = server.client();
    metrics::reached(&client, "messages_handled_total", LETTERS as f64, PATIENCE).await?;
    server.kill().await?;
    server.start_again().await?;
    each_was_handled_once(server, &good).await?;

    // The bad version serves all the while; what the good one wrote is there once.
    send(server, KEYS[0]).await?;
    let ids = letters(server, 1).await?;
    let told = preview(server, &good, &[&ids[0]]).await?;
    let seen = (OF_A_KEY + 1).to_string();
    assert_eq!(
        told["previews"][0]["effects"]["written"],
        json!([{"name": "seen", "value": seen}]),
        "{told:#}"
    );
    server.stop().await
}

/// Both versions show what they would do, each as often as it is asked, and nothing of it is there.
async fn nothing_is_done_by_a_preview(server: &Server, good: &str, ids: &[String]) -> Result<()> {
    for _ in 0..2 {
        let told = preview(server, good, &["--subscription", "worker"]).await?;
        assert_eq!(told["version"], *good);
        let previews = told["previews"].as_array().context("a list")?;
        assert_eq!(previews.len(), LETTERS);
        for preview in previews {
            let effects = &preview["effects"];
            assert_eq!(preview["outcome"], "ok", "{preview:#}");
            assert_eq!(effects["written"], json!([{"name": "seen", "value": "1"}]));
            assert_eq!(effects["sent"][0]["topic"], "counted");
            assert_eq!(effects["sent"][0]["body"], POISON);
        }
    }
    let serving = ["dlq", "preview", &ids[0], &ids[1]];
    let told = server.command(&serving).await?;
    ensure!(told.matches("retry: as asked").count() == 2, "{told}");
    let good = ["dlq", "preview", &ids[0], "--version", good];
    let told = server.command(&good).await?;
    ensure!(told.contains("  writes `seen`: \"1\""), "{told}");
    assert_eq!(letters(server, LETTERS).await?, ids);
    assert_eq!(counted(server).await?, 0);
    Ok(())
}

/// Every letter's story ends well, by the good version, and there is one message for each.
async fn each_was_handled_once(server: &Server, good: &str) -> Result<()> {
    assert_eq!(counted(server).await?, LETTERS);
    for key in KEYS {
        let story = api(server, Method::GET, &format!("/v1/traces?key={key}")).await?;
        let messages = story["messages"].as_array().context("a list")?;
        let events = messages.iter().filter_map(|it| it["events"].as_array());
        let done = events.flatten().filter(|it| it["outcome"] == "done");
        let by: Vec<&Value> = done.map(|it| &it["version"]).collect();
        assert_eq!(by, [&json!(good[..12]); OF_A_KEY], "{story:#}");
    }
    letters(server, 0).await?;
    Ok(())
}

/// Keeps another version beside the one that serves: its content hash.
async fn beside(host: &Host, guest: &str) -> Result<String> {
    let server = &host.server;
    server.command(&["plugin", "pin", "counter"]).await?;
    let component = wasmill_test_guests::bytes(guest);
    host.installation.put_plugin("counter", &component)?;
    let ask = || api(server, Method::GET, "/v1/plugins/counter");
    let held = |plugin: &Value| plugin["held"]["version"].is_string();
    let plugin = until(PATIENCE, ask, held).await?;
    let version = plugin["held"]["version"].as_str();
    Ok(version.context("a version")?.to_owned())
}

async fn send(server: &Server, key: &str) -> Result<()> {
    let (path, body) = (format!("/work/{key}"), Bytes::from(POISON));
    let reply = server.client().send(Method::POST, &path, body).await?;
    reply.success().map(drop)
}

async fn preview(server: &Server, version: &str, which: &[&str]) -> Result<Value> {
    let asked = [&["dlq", "preview", "--json", "--version", version], which].concat();
    Ok(serde_json::from_str(&server.command(&asked).await?)?)
}

/// Redrives through a version so many letters.
async fn redrive(server: &Server, which: &[&str], version: &str, count: usize) -> Result<()> {
    let asked = [&["dlq", "redrive", "--version", &version[..8]], which].concat();
    let told = server.command(&asked).await?;
    assert_eq!(told.trim(), format!("redriven: {count}"));
    Ok(())
}

/// Why nothing is redriven.
async fn refused(server: &Server, how: &[&str]) -> Result<String> {
    let output = server.run(&[&["dlq", "redrive"], how].concat()).await?;
    ensure!(!output.status.success(), "{how:?} was done");
    Ok(String::from_utf8(output.stderr)?)
}

/// The messages that handlers sent.
async fn counted(server: &Server) -> Result<usize> {
    let found = api(server, Method::GET, "/v1/messages?topic=counted").await?;
    Ok(found["messages"].as_array().context("a list")?.len())
}

/// The ids of all dead letters, once there are so many.
async fn letters(server: &Server, count: usize) -> Result<Vec<String>> {
    let ask = || async {
        let all = api(server, Method::GET, "/v1/dead-letters").await?;
        let all = all["dead_letters"].as_array().context("a list")?;
        let ids = all.iter().filter_map(|it| it["id"].as_str());
        Ok(ids.map(str::to_owned).collect::<Vec<_>>())
    };
    until(PATIENCE, ask, |ids| ids.len() == count).await
}

async fn api(server: &Server, method: Method, path: &str) -> Result<Value> {
    let client = server.data_api();
    let reply = client.send(method, path, Bytes::new()).await?;
    reply.success()?.json()
}
