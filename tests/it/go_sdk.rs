//! Go's SDK: its own tests and those of its example, what plugins export, and goroutines in an
//! instance that is reused.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::artifacts::workspace;
use testkit::install::Installation;
use testkit::projects::{self, Language, languages, said};
use testkit::server::Server;
use testkit::sized;

use crate::reuse::reuse;

/// Routes of the plugin `notes`.
const NOTES: &str = r#"
[topics]
"note" = {}
"noted" = {}

[transactions."noted"]
first_check = "10ms"

[subscriptions.keeper]
topic = "note"
plugin = "notes"

[[ingress]]
method = "POST"
path = "/notes/{user}"
topic = "note"
gate = "notes"
wait_for = ["noted"]

[[query]]
path = "/notes/{user}"
plugin = "notes"
key = "{user}"
"#;

#[test]
fn the_sdk_and_its_example_pass_their_own_tests() -> Result<()> {
    if !has_go()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    projects::example(folder.path(), "go")?;
    for root in [workspace().join("sdk/go"), folder.path().join("loyalty")] {
        // Bindings make pointers of the numbers that the host hands over.
        go(&root, ["vet", "-unsafeptr=false", "./..."])?;
        println!("{}", go(&root, ["test", "-count=1", "./..."])?);
    }
    Ok(())
}

#[test]
fn an_instance_is_reused_though_its_goroutines_wait_and_outlive_their_messages() -> Result<()> {
    if !has_go()? {
        return Ok(());
    }
    let (_folder, plugin) = guest("goroutines")?;
    println!("{}", reuse(&plugin, sized(2_220, 100_000))?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_exports_what_it_imports_a_package_for() -> Result<()> {
    if !has_go()? {
        return Ok(());
    }
    let (folder, plugin) = guest("notes")?;
    let host = folder.path().join("host");
    fs::create_dir(&host)?;
    let installation = Installation::empty(&host, NOTES)?;
    installation.put_plugin("notes", &fs::read(plugin)?)?;
    let mut server = Server::start(&installation).await?;
    let client = server.client();

    let path = "/notes/ann?wait=60s";
    let refused = client
        .send(Method::POST, path, Bytes::from_static(br#"{"text":""}"#))
        .await?;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused}"
    );
    let problem: Value = refused.json()?;
    assert_eq!(problem["title"], "empty note");

    // The outcome is the half message that the checker commits.
    let noted = client
        .send(
            Method::POST,
            path,
            Bytes::from_static(br#"{"text":"milk"}"#),
        )
        .await?
        .success()?;
    ensure!(
        noted.headers.contains_key("wasmill-outcome-topic"),
        "no outcome: {noted}\n{}",
        server.log_tail()
    );
    let read: Value = client.get("/notes/ann?why=shop").await?.success()?.json()?;
    let asked = json!([{"Name": "why", "Value": "shop"}]);
    assert_eq!(read, json!({"text": "milk", "asked": asked}));
    let nobody = client.get("/notes/bob").await?;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND, "{nobody}");
    server.stop().await
}

/// A project of the tests, built: its directory and its plugin.
fn guest(name: &str) -> Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    for file in ["go.mod", "main.go", "plugin.toml"] {
        let source = workspace().join("tests/guests/go").join(name).join(file);
        fs::copy(source, folder.path().join(file))?;
    }
    let plugin = projects::build(folder.path(), name)?;
    Ok((folder, plugin))
}

/// Whether Go is there. That it is absent is told by the test of all languages.
fn has_go() -> Result<bool> {
    let is_go = |it: &Language| it.flag == "go" && it.missing.is_none();
    Ok(languages()?.iter().any(is_go))
}

/// Go's own command in a directory, without the network.
fn go<const N: usize>(root: &Path, args: [&str; N]) -> Result<String> {
    let mut command = Command::new("go");
    said(command.current_dir(root).env("GOPROXY", "off").args(args))
}
