//! Versions of plugins on a running host: rolled back, pinned, held and approved, disabled, and
//! with states of several schemas. Whatever was said holds over a SIGKILL.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use hyper::Method;
use serde_json::Value;
use testkit::metrics;
use testkit::patience::until;
use testkit::server::Server;
use wasmill_component::{Capabilities, Manifest};

use crate::world::{Host, WAY_IN};

pub(crate) const ROUTES: &str = r#"
[topics]
"work" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "tally"
retry = ["100ms", "100ms"]

[plugins.tally.limits]
deadline = "60s"
fuel_max = 1_000_000_000_000
"#;

/// The key's state, as the plugin tells it.
const WAY_OUT: &str = r#"
[[query]]
path = "/work/{key}"
plugin = "tally"
key = "{key}"
"#;

const PATIENCE: Duration = Duration::from_secs(60);

/// A guest as a version of `tally` that says what it is.
pub(crate) fn version(guest: &str, version: &str, hosts: &[&str], state_version: u32) -> Vec<u8> {
    let http: BTreeSet<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let manifest = Manifest {
        name: "tally".to_owned(),
        version: version.to_owned(),
        language: None,
        description: None,
        capabilities: Capabilities {
            http,
            ..Capabilities::default()
        },
        routes: None,
        state_version,
    };
    manifest.embed(&wasmill_test_guests::bytes(guest))
}

pub(crate) async fn host() -> Result<Host> {
    let host = Host::with(&format!("{ROUTES}{WAY_IN}{WAY_OUT}"), &[]).await?;
    put(&host, &version("counter", "1", &[], 1), "1").await?;
    Ok(host)
}

/// Drops a file, and waits until its version serves.
async fn put(host: &Host, component: &[u8], version: &str) -> Result<()> {
    host.installation.put_plugin("tally", component)?;
    serves(&host.server, version).await
}

/// How the plugin stands, once it is as `expected`.
pub(crate) async fn stands(server: &Server, expected: impl Fn(&Value) -> bool) -> Result<Value> {
    let list = || async {
        let said = server.command(&["plugin", "list", "--json"]).await?;
        let all: Value = serde_json::from_str(&said)?;
        let mut plugins = all["plugins"].as_array().into_iter().flatten();
        let tally = plugins.find(|plugin| plugin["name"] == "tally");
        Ok(tally.cloned().unwrap_or_default())
    };
    until(PATIENCE, list, expected).await
}

pub(crate) async fn serves(server: &Server, version: &str) -> Result<()> {
    let is_it = |it: &Value| it["status"] == "serving" && it["version"] == version;
    stands(server, is_it).await.map(|_| ())
}

/// Why the file's version is held, once it is.
async fn held(server: &Server) -> Result<String> {
    let plugin = stands(server, |it| !it["held"].is_null()).await?;
    Ok(plugin["held"]["reasons"].to_string())
}

/// Approves the version that is held.
async fn approve(server: &Server) -> Result<()> {
    let plugin = stands(server, |it| !it["held"].is_null()).await?;
    let version = plugin["held"]["version"].as_str().context("a hash")?;
    let approve = ["plugin", "approve", "tally", &version[..12]];
    server.command(&approve).await.map(|_| ())
}

/// Waits until so many messages were handled.
async fn handled(server: &Server, count: usize) -> Result<()> {
    let counter = "messages_handled_total";
    metrics::reached(&server.client(), counter, count as f64, PATIENCE).await
}

pub(crate) async fn restart(server: &mut Server) -> Result<()> {
    server.kill().await?;
    server.start_again().await
}

/// Why a command is refused.
pub(crate) async fn refused(server: &Server, args: &[&str]) -> Result<String> {
    let output = server.run(args).await?;
    ensure!(!output.status.success(), "{args:?} was done");
    Ok(String::from_utf8(output.stderr)?)
}

async fn work(server: &Server, key: &str, body: &str) -> Result<()> {
    let body = Bytes::from(body.to_owned());
    let path = format!("/work/{key}");
    server
        .client()
        .send(Method::POST, &path, body)
        .await?
        .success()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_holds_until_another_file_comes() -> Result<()> {
    let mut host = host().await?;
    let second = version("doubler", "2", &[], 1);
    put(&host, &second, "2").await?;
    let said = host
        .server
        .command(&["plugin", "rollback", "tally"])
        .await?;
    ensure!(
        said.contains("serving") && said.contains("another version was chosen over it"),
        "{said}"
    );

    restart(&mut host.server).await?;
    serves(&host.server, "1").await?;
    // Touched: the same content, and so the same word.
    host.installation.put_plugin("tally", &second)?;
    let other = "a file beside it that is refused, so that this one was looked at";
    host.installation.put_plugin("beside", other.as_bytes())?;
    let list = || host.server.command(&["plugin", "list"]);
    let said = until(PATIENCE, list, |said| {
        said.contains("beside: its file was refused")
    })
    .await?;
    ensure!(
        said.contains("another version was chosen over it"),
        "{said}"
    );
    serves(&host.server, "1").await?;

    put(&host, &version("counter", "3", &[], 1), "3").await?;
    let history = host.server.command(&["plugin", "history", "tally"]).await?;
    assert_eq!(
        history.lines().count(),
        4,
        "a header and three versions: {history}"
    );
    let unknown = ["plugin", "rollback", "tally", "0123456789"];
    let why = refused(&host.server, &unknown).await?;
    ensure!(why.contains("no version `0123456789` is kept"), "{why}");
    host.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_lost_or_fails_while_versions_go_back_and_forth() -> Result<()> {
    const MESSAGES: usize = 2_000;
    let mut host = host().await?;
    put(&host, &version("doubler", "2", &[], 1), "2").await?;
    let client = host.server.client();
    let load = tokio::spawn(async move {
        for nth in 0..MESSAGES {
            let path = format!("/work/k{}", nth % 50);
            let reply = client.send(Method::POST, &path, Bytes::from("x")).await?;
            reply.success()?;
        }
        anyhow::Ok(())
    });
    let mut turns = 0;
    while !load.is_finished() || turns < 6 {
        let back = ["plugin", "rollback", "tally"];
        host.server.command(&back).await?;
        turns += 1;
        let next = format!("{}", turns + 2);
        put(&host, &version("doubler", &next, &[], 1), &next).await?;
    }
    load.await??;
    handled(&host.server, MESSAGES).await?;
    let all = host.server.command(&["sub", "list", "--json"]).await?;
    let all: Value = serde_json::from_str(&all)?;
    assert_eq!(all["subscriptions"][0]["dead_letters"], 0);
    host.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_and_a_disabled_plugin_stay_so_over_a_kill_whatever_files_come() -> Result<()> {
    let mut host = host().await?;
    host.server.command(&["plugin", "pin", "tally"]).await?;
    host.installation
        .put_plugin("tally", &version("doubler", "2", &[], 1))?;
    let why = held(&host.server).await?;
    ensure!(why.contains("pinned to version"), "{why}");
    restart(&mut host.server).await?;
    serves(&host.server, "1").await?;
    let why = refused(&host.server, &["plugin", "rollback", "tally"]).await?;
    ensure!(why.contains("no version has served before"), "{why}");
    host.server.command(&["plugin", "unpin", "tally"]).await?;
    serves(&host.server, "2").await?;

    host.server.command(&["plugin", "disable", "tally"]).await?;
    work(&host.server, "k", "waits").await?;
    restart(&mut host.server).await?;
    let plugin = stands(&host.server, |it| it["status"] == "disabled").await?;
    assert_eq!(plugin["version"], "2");
    // What comes meanwhile serves once the plugin is enabled.
    host.installation
        .put_plugin("tally", &version("counter", "3", &[], 1))?;
    stands(&host.server, |it| {
        it["version"] == "3" && it["status"] == "disabled"
    })
    .await?;
    host.server.command(&["plugin", "enable", "tally"]).await?;
    serves(&host.server, "3").await?;
    handled(&host.server, 1).await?;
    host.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_asks_for_more_is_held_until_it_is_approved_or_granted() -> Result<()> {
    let mut host = host().await?;
    let asking = version("doubler", "2", &["pay.example:80"], 1);
    host.installation.put_plugin("tally", &asking)?;
    let why = held(&host.server).await?;
    ensure!(
        why.contains("HTTP to pay.example:80, which `grants.http` does not grant"),
        "{why}"
    );
    restart(&mut host.server).await?;
    serves(&host.server, "1").await?;
    let said = host.server.command(&["plugin", "list"]).await?;
    ensure!(said.contains("pay.example:80"), "{said}");
    let log = host.server.log()?;
    let told = log.lines().filter(|line| line.contains("plugin file held"));
    assert_eq!(told.count(), 2, "once for each start");
    approve(&host.server).await?;
    serves(&host.server, "2").await?;
    restart(&mut host.server).await?;
    serves(&host.server, "2").await?;

    let more = version("doubler", "3", &["pay.example:80", "sms.example"], 1);
    host.installation.put_plugin("tally", &more)?;
    let why = held(&host.server).await?;
    ensure!(
        why.contains("sms.example") && why.contains("pay.example:80"),
        "{why}"
    );
    // The grants tell what is new in it; what was asked for before is granted now.
    let grants = "[plugins.tally.grants]\nhttp = [\"pay.example:80\", \"sms.example\"]\n";
    let routes = format!("{ROUTES}{WAY_IN}{WAY_OUT}{grants}");
    host.installation.set_routes(&routes)?;
    let plugin = stands(&host.server, |it| {
        let why = it["held"]["reasons"].to_string();
        why.contains("the version before did not") && !why.contains("pay.example")
    });
    plugin.await?;
    approve(&host.server).await?;
    serves(&host.server, "3").await?;
    host.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_migrated_key_by_key_and_no_version_goes_back_behind_them() -> Result<()> {
    let mut host = host().await?;
    for key in ["a", "b", "b"] {
        work(&host.server, key, "x").await?;
    }
    handled(&host.server, 3).await?;

    host.installation
        .put_plugin("tally", &version("doubler", "1.5", &[], 2))?;
    stands(&host.server, |it| {
        let why = it["refused"]["reason"].to_string();
        why.contains("exports no `migrate`")
    })
    .await?;
    put(&host, &version("tally", "2", &[], 2), "2").await?;
    // A query sees the state as it will be, and leaves it as it is.
    for _ in 0..2 {
        assert_eq!(total(&host.server, "b").await?, "2 false");
    }
    // The migration is part of the call: killed in the middle, neither was.
    work(&host.server, "b", "stay").await?;
    until(PATIENCE, || running(&host.server), |running| *running == 1).await?;
    restart(&mut host.server).await?;
    work(&host.server, "a", "x").await?;
    let told = || total(&host.server, "a");
    until(PATIENCE, told, |total| total == "2 false").await?;

    let why = refused(&host.server, &["plugin", "rollback", "tally"]).await?;
    ensure!(why.contains("version 2 has been written"), "{why}");
    host.installation
        .put_plugin("tally", &version("counter", "1.1", &[], 1))?;
    let is_refused = |it: &Value| {
        it["refused"]["reason"]
            .to_string()
            .contains("reads version 1")
    };
    let plugin = stands(&host.server, is_refused).await?;
    assert_eq!(
        (&plugin["version"], &plugin["state_version"]),
        (&"2".into(), &2.into())
    );
    host.server.kill().await
}

async fn total(server: &Server, key: &str) -> Result<String> {
    let reply = server.client().get(&format!("/work/{key}")).await?;
    Ok(String::from_utf8(reply.success()?.body.to_vec())?)
}

async fn running(server: &Server) -> Result<u64> {
    let all = server.command(&["sub", "list", "--json"]).await?;
    let all: Value = serde_json::from_str(&all)?;
    Ok(all["subscriptions"][0]["running"]
        .as_u64()
        .unwrap_or_default())
}
