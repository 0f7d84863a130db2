//! Compiled code is kept: a restart with many plugins, of all languages, compiles nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::artifacts::{self, PLUGINS};
use testkit::install::Installation;
use testkit::patience::until;
use testkit::projects::{example, in_each_language};
use testkit::server::Server;

/// Longest time until all serve: megabytes of languages' runtimes are compiled before.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_with_plugins_of_all_languages_compiles_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    let names = RefCell::new(Vec::new());
    let installation = Installation::empty(&root.join("host"), "[topics]\nnews = {}\n")?;
    for name in PLUGINS {
        installation.put_plugin(name, &fs::read(artifacts::plugin(name)?)?)?;
        names.borrow_mut().push((*name).to_owned());
    }
    in_each_language(async |flag| {
        let project = root.join(&flag);
        fs::create_dir(&project)?;
        let component = fs::read(example(&project, &flag)?)?;
        installation.put_plugin(&flag, &component)?;
        let told = format!("{} bytes", component.len());
        names.borrow_mut().push(flag);
        Ok(told)
    })
    .await?;
    let names = names.into_inner();

    let mut server = Server::start(&installation).await?;
    all_serve(&server, &names).await?;
    let compiled = entries(&installation.data)?;
    ensure!(compiled.len() == names.len(), "{compiled:?}");
    server.stop().await?;

    let begun = Instant::now();
    server.start_again().await?;
    let listed = server.command(&["plugin", "list", "--json"]).await?;
    let count = names.len();
    println!("{count} plugins: ready after {:.2?}", begun.elapsed());
    ensure!(serving(&listed)? == count, "{listed}");
    assert_eq!(entries(&installation.data)?, compiled);
    server.stop().await
}

async fn all_serve(server: &Server, names: &[String]) -> Result<()> {
    let list = async || serving(&server.command(&["plugin", "list", "--json"]).await?);
    let all = until(PATIENCE, list, |count| *count == names.len()).await;
    all.with_context(|| server.log_tail()).map(drop)
}

/// How many plugins of a list are in service.
fn serving(listed: &str) -> Result<usize> {
    let listed: Value = serde_json::from_str(listed)?;
    let plugins = listed["plugins"].as_array().context("no list of plugins")?;
    let serving = plugins.iter().filter(|it| it["status"] == "serving");
    Ok(serving.count())
}

/// The files of compiled code, and when each was written.
fn entries(data: &Path) -> Result<BTreeMap<String, SystemTime>> {
    let files = fs::read_dir(data.join("cache"))?;
    let entries = files.map(|file| {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        Ok((name, file.metadata()?.modified()?))
    });
    entries.collect()
}
