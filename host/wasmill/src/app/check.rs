//! Loads plugins without serving them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use wasmill_model::{Name, Routes};
use wasmill_port::Plugins;
use wasmill_service::SystemClock;
use wasmill_wasm::{Config, Metrics, Registry};

use super::{Failure, named};

/// A plugin's version, or why it cannot serve.
type Checked = Vec<(Name, Result<String, String>)>;

/// Loads every plugin of `directory` under `routes`, and looks for those that the routes name.
pub(crate) async fn check_plugins(directory: &Path, routes: Routes) -> Result<Checked, Failure> {
    let files = files(directory).map_err(Failure::config)?;
    let routes = Arc::new(routes);
    // The registry keeps what it loads; here it is thrown away.
    let data = tempfile::tempdir().context("no temporary directory could be made")?;
    let config = Config {
        data: data.path().to_owned(),
        metrics: Metrics::default(),
    };
    let registry = Registry::new(config, Arc::new(SystemClock::default()), routes.clone())
        .context("the plugins' host did not start")?;
    let mut checked = Checked::new();
    for (name, path) in &files {
        let result = match fs::read(path) {
            Ok(bytes) => registry
                .install(name, &bytes)
                .await
                .map_err(|error| error.reason),
            Err(error) => Err(error.to_string()),
        };
        checked.push((name.clone(), result.map(|installed| installed.version)));
    }
    for name in named::plugins(&routes) {
        if !files.contains_key(&name) {
            let reason = format!("the routes name it, and there is no {name}.wasm");
            checked.push((name, Err(reason)));
        }
    }
    Ok(checked)
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
