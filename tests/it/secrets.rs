//! Secrets from files: told to their plugin and to nobody else, and a file that is missing changes
//! nothing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use testkit::artifacts;
use testkit::install::Installation;
use testkit::patience::until;
use testkit::server::Server;

const KEY: &str = "sk_live_very_secret";
const PATIENCE: Duration = Duration::from_secs(30);

fn routes(secret: &Path, note: &str) -> String {
    format!(
        "# {note}\n[topics]\nwork = {{}}\n[plugins.secretive.grants]\nsecrets = {{ KEY = {:?} }}\n\
         [subscriptions.work]\ntopic = \"work\"\nplugin = \"secretive\"\nretry = []\n",
        secret.display().to_string()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_never_told_and_a_missing_file_keeps_the_routes_in_force() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let secret = folder.path().join("key");
    fs::write(&secret, format!("{KEY}\n"))?;
    let installation = Installation::empty(folder.path(), &routes(&secret, "first"))?;
    installation.put_plugin("secretive", &wasmill_test_guests::bytes("secretive"))?;
    let server = Server::start(&installation).await?;
    for body in ["log", "print", "panic", "retry"] {
        send(&server, body).await?;
    }
    causes(&server, 2).await?;
    let log = server.log()?;
    ensure!(log.contains("is open to others"), "its mode is 644: {log}");

    fs::remove_file(&secret)?;
    installation.set_routes(&routes(&secret, "second"))?;
    let told = |log: &String| log.contains("the routes in force stay, since the file is wrong");
    let log = until(PATIENCE, || async { server.log() }, told).await?;
    let words = "plugins.secretive.grants.secrets.KEY`: ";
    ensure!(
        log.contains(words) && log.contains("cannot be read"),
        "{log}"
    );
    send(&server, "reject").await?;
    let causes = causes(&server, 3).await?;
    for cause in &causes {
        ensure!(cause.contains("[secret KEY]"), "{cause}");
    }

    let all = format!("{}{causes:?}", server.log()?);
    ensure!(!all.contains(KEY), "it is told: {all}");
    let said = Command::new(artifacts::program("wasmill")?)
        .args(["check", "--routes"])
        .arg(&installation.routes)
        .output()?;
    assert_eq!(said.status.code(), Some(2));
    ensure!(
        String::from_utf8_lossy(&said.stderr).contains(words),
        "{said:?}"
    );
    Ok(())
}

async fn send(server: &Server, body: &str) -> Result<()> {
    let message = json!({"topic": "work", "key": body, "body": body}).to_string();
    let path = "/v1/messages";
    let sent = server
        .data_api()
        .send(Method::POST, path, Bytes::from(message))
        .await?;
    sent.success()?;
    Ok(())
}

/// The causes of so many dead letters.
async fn causes(server: &Server, count: usize) -> Result<Vec<String>> {
    let api = &server.data_api();
    let ask = || async {
        let page: Value = api.get("/v1/dead-letters").await?.success()?.json()?;
        let letters = page["dead_letters"].as_array().context("a list")?;
        let causes = letters.iter().filter_map(|it| it["cause"].as_str());
        Ok(causes.map(str::to_owned).collect::<Vec<_>>())
    };
    until(PATIENCE, ask, |causes| causes.len() >= count).await
}
