//! Loads plugins without serving them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use wasmill_model::{Name, Routes};
use wasmill_port::Plugins;
use wasmill_port::plugins::{File, Held};
use wasmill_service::SystemClock;
use wasmill_wasm::{Config, Registry};

use super::{Failure, named, plugin_file};

/// A plugin's version, or why it cannot serve: one text for each reason.
type Checked = Vec<(Name, Result<String, Vec<String>>)>;

/// Loads every plugin of `directory` under `routes`, with its signature, and looks for those that
/// the routes name. One that a host would keep and not let in is not good either.
pub(crate) async fn check_plugins(directory: &Path, routes: Routes) -> Result<Checked, Failure> {
    let files = files(directory).map_err(Failure::config)?;
    let routes = Arc::new(routes);
    // The registry keeps what it loads; here it is thrown away.
    let data = tempfile::tempdir().context("no temporary directory could be made")?;
    let config = Config::new(data.path().to_owned());
    let registry = Registry::new(config, Arc::new(SystemClock::default()), routes.clone())
        .context("the plugins' host did not start")?;
    let mut checked = Checked::new();
    for (name, path) in &files {
        checked.push((name.clone(), check(&registry, name, path).await));
    }
    for name in named::plugins(&routes) {
        if !files.contains_key(&name) {
            let reason = format!("the routes name it, and there is no {name}.wasm");
            checked.push((name, Err(vec![reason])));
        }
    }
    Ok(checked)
}

/// What a host that has no other version of the plugin would make of its file.
async fn check(registry: &Registry, name: &Name, path: &Path) -> Result<String, Vec<String>> {
    let component = plugin_file::component(path).map_err(|error| vec![error.to_string()])?;
    let signature = plugin_file::signature(path).map_err(|error| vec![error.to_string()])?;
    let file = File {
        component: &component,
        signature: signature.as_deref(),
    };
    let installed = registry.install(name, file).await;
    let installed = installed.map_err(|error| vec![error.reason])?;
    match installed.held {
        None => Ok(installed.version),
        Some(Held { version, reasons }) => {
            let reasons = reasons.into_iter();
            Err(reasons
                .map(|reason| format!("version {version} is held: {reason}"))
                .collect())
        }
    }
}

/// The plugin files of a directory by name.
fn files(directory: &Path) -> anyhow::Result<BTreeMap<Name, PathBuf>> {
    let cannot = || {
        format!(
            "the plugins directory {} cannot be read",
            directory.display()
        )
    };
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        let is_wasm = path
            .extension()
            .is_some_and(|extension| extension == "wasm");
        if is_wasm && !stem.starts_with('.') {
            files.insert(stem.into(), path);
        }
    }
    Ok(files)
}
