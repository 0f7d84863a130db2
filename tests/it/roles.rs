//! Plugins that export all that the host calls, in the languages with an SDK: each is the same
//! `notes`, from `tests/guests/LANGUAGE/notes`, and is held to the same answers.
//!
//! A note comes in by the gate; the handler adds it to the key's state, and tells of it with a half
//! message that it leaves to the checker; the query reads what there is. The migration takes over
//! what an earlier version kept under another name.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::artifacts::workspace;
use testkit::client::Reply;
use testkit::metrics;
use testkit::patience::until;
use testkit::projects::{self, Language, languages};
use testkit::server::Server;
use wasmill_component::Manifest;

use crate::world::Host;

/// Half messages are asked about twice, since the checker says `unknown` first.
const ROUTES: &str = r#"
[topics]
"note" = {}
"noted" = {}
"counted" = {}

[transactions."noted"]
first_check = "10ms"
interval = "10ms"

[subscriptions.keeper]
topic = "note"
plugin = "notes"

[[ingress]]
method = "POST"
path = "/notes/{user}"
topic = "note"
gate = "notes"
wait_for = ["noted"]
query = "/notes/{key}"

[[query]]
path = "/notes/{user}"
plugin = "notes"
key = "{user}"
"#;

/// A host compiles megabytes of a language's runtime before a plugin serves.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_c_has_every_role() -> Result<()> {
    plays_every_role("c").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_go_has_every_role() -> Result<()> {
    plays_every_role("go").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_javascript_has_every_role() -> Result<()> {
    plays_every_role("js").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_python_has_every_role() -> Result<()> {
    plays_every_role("python").await
}

/// Builds a language's `notes` and holds it to its answers. A language whose tools are absent is
/// told by the test of all languages.
async fn plays_every_role(flag: &str) -> Result<()> {
    let is_there = |it: &Language| it.flag == flag && it.missing.is_none();
    if !languages()?.iter().any(is_there) {
        return Ok(());
    }
    let project = tempfile::tempdir()?;
    let guest = workspace().join("tests/guests").join(flag).join("notes");
    copy(&guest, project.path())?;
    // The packages that a language compiles with are the example's.
    for packages in ["package.json", "requirements.txt"] {
        let example = workspace()
            .join("examples/loyalty")
            .join(flag)
            .join(packages);
        if example.is_file() {
            fs::copy(example, project.path().join(packages))?;
        }
    }
    let component = projects::build(project.path(), "notes")?;
    holds(&fs::read(component)?).await
}

/// Copies the files of a folder.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Holds a component to what `notes` answers, after a version whose state it migrates.
async fn holds(component: &[u8]) -> Result<()> {
    let mut host = Host::with(ROUTES, &[]).await?;
    put(&host, &first_version(), "1").await?;
    let server = &host.server;
    let send = ["send", "note", "--key", "old", "--body", "x"];
    server.command(&send).await?;
    let client = server.client();
    metrics::reached(&client, "messages_handled_total", 1.0, PATIENCE).await?;
    put(&host, component, "2").await?;

    // The query sees the state migrated; the handler's call migrates it for good.
    assert_eq!(read(server, "old").await?, "1");
    note(server, "old", "milk").await?;
    assert_eq!(read(server, "old").await?, "1, milk");

    note(server, "ann", "milk").await?;
    note(server, "ann", "b\u{fc}tter \"x\"").await?;
    // The gate's id: the same note again starts nothing, and the query says that it is settled.
    let again = post(server, "ann", &json!({"text": "milk"}).to_string()).await?;
    let told: Value = again.success()?.json()?;
    assert_eq!(told["text"], "milk, b\u{fc}tter \"x\"", "{told}");
    assert_eq!(read(server, "ann").await?, "milk, b\u{fc}tter \"x\"");
    let nobody = client.get("/notes/bob").await?;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND, "{nobody}");

    let empty = post(server, "ann", r#"{"text":""}"#).await?;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY, "{empty}");
    let problem: Value = empty.json()?;
    assert_eq!(problem["title"], "empty note", "{problem}");
    assert_eq!(problem["field"], "text", "{problem}");
    let malformed = post(server, "ann", "{").await?;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST, "{malformed}");
    host.server.stop().await
}

/// A version that kept the number of messages as `seen`.
fn first_version() -> Vec<u8> {
    let manifest = Manifest {
        name: "notes".to_owned(),
        version: "1".to_owned(),
        language: None,
        description: None,
        capabilities: Default::default(),
        routes: None,
        state_version: 1,
    };
    manifest.embed(&wasmill_test_guests::bytes("counter"))
}

/// Drops a file, and waits until its version serves.
async fn put(host: &Host, component: &[u8], version: &str) -> Result<()> {
    host.installation.put_plugin("notes", component)?;
    let list = async || {
        let said = host.server.command(&["plugin", "list", "--json"]).await?;
        let all: Value = serde_json::from_str(&said)?;
        Ok(all["plugins"][0].clone())
    };
    let serves = |it: &Value| it["status"] == "serving" && it["version"] == version;
    until(PATIENCE, list, serves).await?;
    Ok(())
}

/// Takes a note down, and waits for its outcome, which the checker lets out.
async fn note(server: &Server, user: &str, text: &str) -> Result<Reply> {
    let reply = post(server, user, &json!({"text": text}).to_string()).await?;
    let reply = reply.success()?;
    ensure!(
        reply.headers.contains_key("wasmill-outcome-topic"),
        "no outcome: {reply}\n{}",
        server.log_tail()
    );
    Ok(reply)
}

async fn post(server: &Server, user: &str, body: &str) -> Result<Reply> {
    let path = format!("/notes/{user}?wait=30s");
    let client = server.client();
    client
        .send(Method::POST, &path, Bytes::copy_from_slice(body.as_bytes()))
        .await
}

/// A user's notes, as the query tells them, with what else it says.
async fn read(server: &Server, user: &str) -> Result<String> {
    let path = format!("/notes/{user}?why=shop%20ping&why=again");
    let reply = server.client().get(&path).await?.success()?;
    let of = |name| {
        reply
            .headers
            .get(name)
            .map(|it: &hyper::header::HeaderValue| it.as_bytes())
    };
    assert_eq!(of("content-type"), Some(&b"application/json"[..]));
    let told: Value = reply.json()?;
    assert_eq!(told["why"], "shop ping", "{told}");
    Ok(told["text"].as_str().unwrap_or_default().to_owned())
}
