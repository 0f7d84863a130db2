//! A plugin that is not there: its messages wait, which their stories and the host's log tell, until
//! it comes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::metrics;
use testkit::patience::until;
use testkit::server::Server;

use crate::world::{COUNTER, Host};

const PATIENCE: Duration = Duration::from_secs(60);
/// Another subscription of the plugin, and one of a second plugin that is not there either.
const MORE: &str = r#"
[subscriptions.again]
topic = "work"
plugin = "counter"

[subscriptions.other]
topic = "counted"
plugin = "missing"
"#;
const WAITS: &str = "queued for `worker`: plugin `counter` is not in service";

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_for_a_message_is_told_that_its_plugin_is_absent() -> Result<()> {
    let mut host = Host::with(COUNTER, &[]).await?;
    let server = &mut host.server;
    let sent = server.command(&["send", "work", "--key", "k"]).await?;
    let id = sent.trim().to_owned();
    for ask in [["message", "show", &id], ["trace", "--key", "k"]] {
        let said = server.command(&ask).await?;
        ensure!(said.contains(WAITS), "{said}");
    }
    let absent = json!({"subscription": "worker", "key": "k", "attempts": 0,
        "plugin": "counter", "in_service": false});
    assert_eq!(pending(server, &id).await?, json!([absent]));
    assert_eq!(warnings(server, "counter")?, 1);

    // Other routes are no reason to say the same again.
    std::fs::write(&host.installation.routes, format!("{COUNTER}{MORE}"))?;
    let warned = async || warnings(server, "missing");
    until(PATIENCE, warned, |count| *count == 1).await?;
    assert_eq!(warnings(server, "counter")?, 1);

    host.installation
        .put_plugin("counter", &wasmill_test_guests::bytes("counter"))?;
    let client = server.client();
    metrics::reached(&client, "messages_handled_total", 1.0, PATIENCE).await?;
    assert_eq!(pending(server, &id).await?, json!([]));
    let said = server.command(&["message", "show", &id]).await?;
    ensure!(!said.contains("queued"), "{said}");
    server.stop().await
}

/// The subscriptions that are not done with a message.
async fn pending(server: &Server, id: &str) -> Result<Value> {
    let shown = server.command(&["message", "show", id, "--json"]).await?;
    let story: Value = serde_json::from_str(&shown)?;
    story.get("pending").cloned().context("who is not done")
}

/// How often the log tells that a plugin is absent.
fn warnings(server: &Server, plugin: &str) -> Result<usize> {
    let said = format!("until a good {plugin}.wasm is in");
    Ok(server.log()?.matches(&said).count())
}
