//! What a host keeps of plugins is damaged, or cannot be written: the plugin waits, and says so.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::versions::{host, refused, serves, stands, version};

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_record_holds_its_plugin_alone_until_it_is_put_back() -> Result<()> {
    let mut host = host().await?;
    host.installation
        .put_plugin("beside", &version("doubler", "9", &[], 1))?;
    host.server.command(&["plugin", "pin", "tally"]).await?;
    let kept = host.installation.data.join("plugins");
    let files = ["tally.history", "tally.history.copy"].map(|file| kept.join(file));
    let whole = fs::read(&files[0])?;
    host.server.kill().await?;
    files.iter().try_for_each(|file| fs::write(file, "{"))?;
    host.server.start_again().await?;

    let waits = |it: &Value| it["status"] == "waiting" && it["pinned"].is_null();
    let plugin = stands(&host.server, waits).await?;
    let why = plugin["waits"].to_string();
    ensure!(
        why.contains("tally.history") && why.contains("backup"),
        "{why}"
    );
    let said = host.server.command(&["plugin", "list"]).await?;
    ensure!(
        said.contains("tally: it waits: ") && said.contains("serving"),
        "{said}"
    );
    for args in [
        ["plugin", "disable", "tally"],
        ["plugin", "history", "tally"],
    ] {
        let why = refused(&host.server, &args).await?;
        ensure!(why.contains("tally.history"), "{why}");
    }
    fs::write(&files[0], whole)?;
    let plugin = stands(&host.server, |it| it["status"] == "serving").await?;
    ensure!(!plugin["pinned"].is_null(), "{plugin}");
    host.server.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_does_not_allow_is_told_and_done_when_it_does() -> Result<()> {
    let mut host = host().await?;
    // In the place of what is written beside the record.
    let kept = host.installation.data.join("plugins");
    let obstacle = kept.join("tally.history.partial");
    fs::create_dir(&obstacle)?;
    host.installation
        .put_plugin("tally", &version("doubler", "2", &[], 1))?;
    let plugin = stands(&host.server, |it| !it["waits"].is_null()).await?;
    assert_eq!(
        (&plugin["status"], &plugin["version"]),
        (&"serving".into(), &"1".into())
    );
    let why = refused(&host.server, &["plugin", "pin", "tally"]).await?;
    ensure!(
        why.contains("could not be written, so nothing was done"),
        "{why}"
    );
    fs::remove_dir(&obstacle)?;
    serves(&host.server, "2").await?;

    fs::create_dir(&obstacle)?;
    host.installation.remove_plugin("tally")?;
    let gone = |it: &Value| it["status"] == "removed" && !it["waits"].is_null();
    stands(&host.server, gone).await?;
    fs::remove_dir(&obstacle)?;
    stands(&host.server, |it| {
        it["status"] == "removed" && it["waits"].is_null()
    })
    .await?;
    host.server.stop().await
}
