//! Plugins that must be signed, on a running host whose routes name the keys.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::artifacts;

use crate::versions::{ROUTES, restart, serves, stands, version};
use crate::world::Host;

#[tokio::test(flavor = "multi_thread")]
async fn where_signatures_are_required_only_what_a_known_key_signed_serves() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let key = folder.path().join("key");
    let other = folder.path().join("other");
    let public = wasmill(&["plugin", "keygen", path(&key)])?;
    let others = wasmill(&["plugin", "keygen", path(&other)])?;
    let trusted = public.replace("me =", "carol =");
    let signatures = format!("[signatures]\nrequired = [\"tally\"]\n{trusted}");
    let routes = format!("{ROUTES}{signatures}");
    let mut host = Host::with(&routes, &[]).await?;
    let file = host.installation.plugin_path("tally");
    let file = path(&file);

    host.installation
        .put_plugin("tally", &version("counter", "1", &[], 1))?;
    let refusal = |why: &'static str| {
        let server = &host.server;
        async move {
            let is_it = |it: &Value| it["refused"]["reason"].to_string().contains(why);
            stands(server, is_it).await
        }
    };
    refusal("must be signed").await?;
    wasmill(&["plugin", "sign", file, "--key", path(&other)])?;
    refusal("of another file, or of a key").await?;
    wasmill(&["plugin", "sign", file, "--key", path(&key)])?;
    serves(&host.server, "1").await?;
    let in_force = path(&host.installation.routes);
    let said = wasmill(&["plugin", "inspect", file, "--routes", in_force])?;
    ensure!(said.contains("by carol"), "{said}");
    let history = host.server.command(&["plugin", "history", "tally"]).await?;
    ensure!(history.contains("carol"), "{history}");

    // The signature of the version before is none of the next one.
    host.installation
        .put_plugin("tally", &version("doubler", "2", &[], 1))?;
    refusal("of another file, or of a key").await?;
    serves(&host.server, "1").await?;
    // A key that comes later lets in what it has signed.
    wasmill(&["plugin", "sign", file, "--key", path(&other)])?;
    let dave = others.lines().find(|line| line.starts_with("me ="));
    let dave = dave.context("a key")?.replace("me =", "dave =");
    let routes = format!("{routes}{dave}\n");
    host.installation.set_routes(&routes)?;
    serves(&host.server, "2").await?;
    // The kept version has the signature that it came with.
    restart(&mut host.server).await?;
    serves(&host.server, "2").await?;
    host.server.stop().await
}

/// Runs a command that needs no host.
fn wasmill(args: &[&str]) -> Result<String> {
    let output = Command::new(artifacts::program("wasmill")?)
        .args(args)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{args:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
