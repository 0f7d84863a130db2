//! The plugins in service: installed, swapped, restored and removed by name.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use wasmill_model::Name;
use wasmill_model::routes::{PluginSettings, Routes};
use wasmill_port::Clock;
use wasmill_port::guest::{Installed, Plugins, Rejected};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::cache::Cache;
use crate::component::{self, Version};
use crate::data::Data;
use crate::deadline::after;
use crate::instance::Instance;
use crate::kept::Kept;
use crate::limits::CALLS_PER_INSTANCE_MAX;
use crate::pool::Serving;
use crate::surroundings::Surroundings;
use crate::{engine, imports};

/// Longest name of a plugin; it is the name of files.
const NAME_BYTES_MAX: usize = 64;

/// Where a registry keeps its files.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory, which the caller has locked. The registry uses `plugins`, `cache` and
    /// `files` in it.
    pub data: PathBuf,
    /// Calls after which an instance is replaced by a fresh one, 10,000 unless told otherwise: what
    /// a guest leaks is given back then. A test that looks for leaks sets it higher.
    pub calls_per_instance_max: u32,
    /// What is around guests: nothing but the host, unless told otherwise.
    pub surroundings: Surroundings,
}

impl Config {
    /// The usual settings, with this data directory.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            calls_per_instance_max: CALLS_PER_INSTANCE_MAX,
            surroundings: Surroundings::default(),
        }
    }
}

/// An instance that waits for its next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleInstance {
    /// The calls it has served.
    pub calls: u32,
    /// What its memories and tables hold, in bytes. They never shrink.
    pub memory_bytes: usize,
}

/// Why no registry could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// wasmtime does not run here.
    #[error("the WebAssembly engine did not start: {0}")]
    Engine(String),
    /// A directory could not be made.
    #[error("{}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// What all plugins share.
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<dyn Clock>,
    /// Room for calls in progress.
    pub(crate) calls: Semaphore,
    /// Room for idle instances.
    pub(crate) idle: Arc<Semaphore>,
    linker: Linker<Data>,
    cache: Cache,
    kept: Kept,
    data: PathBuf,
    pub(crate) surroundings: Surroundings,
    /// Calls after which an instance is replaced.
    pub(crate) calls_per_instance_max: u32,
}

/// The plugins in service.
pub struct Registry {
    host: Arc<Host>,
    // Read by every run without a lock; written under `routes`.
    serving: ArcSwap<HashMap<Name, Arc<Serving>>>,
    // Never held across an await.
    routes: Mutex<Arc<Routes>>,
    /// One version at a time is written to disk and swapped in.
    turn: tokio::sync::Mutex<()>,
}

impl Registry {
    /// A registry without plugins, over the data directory.
    ///
    /// # Errors
    /// [`Error`] if wasmtime does not start or a directory cannot be made.
    pub fn new(
        config: Config,
        clock: Arc<dyn Clock>,
        routes: Arc<Routes>,
    ) -> Result<Arc<Self>, Error> {
        let no_engine = |error: wasmtime::Error| Error::Engine(format!("{error:#}"));
        let engine = engine::start().map_err(no_engine)?;
        let linker = imports::linker(&engine).map_err(no_engine)?;
        let data = config.data;
        let directory = |name: &str| {
            let path = data.join(name);
            move |source| Error::Directory { path, source }
        };
        let cache = Cache::open(&data.join("cache"), &engine).map_err(directory("cache"))?;
        let kept = Kept::open(&data.join("plugins")).map_err(directory("plugins"))?;
        let host = Host {
            engine,
            clock,
            calls: Semaphore::new(engine::CALLS_MAX as usize),
            idle: Arc::new(Semaphore::new(engine::IDLE_MAX as usize)),
            linker,
            cache,
            kept,
            data,
            surroundings: config.surroundings,
            calls_per_instance_max: config.calls_per_instance_max,
        };
        Ok(Arc::new(Self {
            host: Arc::new(host),
            serving: ArcSwap::default(),
            routes: Mutex::new(routes),
            turn: tokio::sync::Mutex::new(()),
        }))
    }

    /// The plugins that have a version to [`Plugins::restore`].
    ///
    /// # Errors
    /// The error of reading the directory.
    pub fn kept(&self) -> io::Result<Vec<Name>> {
        self.host.kept.names()
    }

    /// The instances of a plugin that wait for their next call; none if it is not in service.
    #[must_use]
    pub fn idle_instances(&self, plugin: &Name) -> Vec<IdleInstance> {
        let serving = self.find(plugin);
        serving.map_or_else(Vec::new, |serving| serving.idle_instances())
    }

    /// Applies new routes: plugins whose settings changed get new instances. Calls in flight end
    /// under the old settings.
    pub fn set_routes(&self, routes: Arc<Routes>) {
        let mut current = self.routes();
        *current = routes;
        self.renew_if(&current, |serving, settings| serving.settings != *settings);
    }

    /// Drops all instances, as a restart would: the next calls begin with fresh ones. Calls in
    /// flight end.
    pub fn renew(&self) {
        self.renew_if(&self.routes(), |_, _| true);
    }

    /// Begins anew with the plugins chosen, under the settings in force.
    fn renew_if(&self, routes: &Routes, chosen: impl Fn(&Serving, &Arc<PluginSettings>) -> bool) {
        let mut next = HashMap::clone(&self.serving.load());
        for (name, serving) in &mut next {
            let settings = routes.plugin(name);
            if chosen(serving, &settings) {
                let version = serving.version.clone();
                let new = Arc::new(Serving::new(self.host.clone(), version, settings));
                std::mem::replace(serving, new).retire();
            }
        }
        self.serving.store(Arc::new(next));
    }

    /// The content hash of the version of `name` in service.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<String> {
        self.find(name).map(|serving| serving.version.hash.clone())
    }

    /// The version of `name` that serves now.
    pub(crate) fn find(&self, name: &str) -> Option<Arc<Serving>> {
        self.serving.load().get(name).cloned()
    }

    /// Sees whether `version` starts under the settings in force.
    async fn trial(&self, version: &Arc<Version>) -> Result<(Serving, Instance), String> {
        let settings = self.routes().plugin(&version.plugin);
        let deadline = after(Instant::now(), settings.limits.deadline);
        let serving = Serving::new(self.host.clone(), version.clone(), settings);
        match serving.start(deadline).await {
            Ok(instance) => Ok((serving, instance)),
            Err(fault) => Err(format!("it does not start: {}", fault.0)),
        }
    }

    /// Puts a version into service in place of another.
    fn swap(&self, tried: Serving, instance: Instance) {
        let routes = self.routes();
        let name = tried.version.plugin.clone();
        let settings = routes.plugin(&name);
        let serving = if settings == tried.settings {
            tried.give_back(instance);
            tried
        } else {
            Serving::new(self.host.clone(), tried.version, settings)
        };
        self.replace(&name, Some(Arc::new(serving)));
    }

    /// Replaces what serves `name`; the caller holds the lock of `routes`.
    fn replace(&self, name: &Name, serving: Option<Arc<Serving>>) {
        let mut next = HashMap::clone(&self.serving.load());
        let old = match serving {
            Some(serving) => next.insert(name.clone(), serving),
            None => next.remove(name),
        };
        self.serving.store(Arc::new(next));
        if let Some(old) = old {
            old.retire();
        }
    }

    fn routes(&self) -> MutexGuard<'_, Arc<Routes>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plugins for Registry {
    async fn install(&self, name: &Name, component: &[u8]) -> Result<Installed, Rejected> {
        let reject = |reason| rejected(name, reason);
        check_name(name).map_err(reject)?;
        let (host, bytes) = (self.host.clone(), component.to_vec());
        let serving = self.version(name);
        let (hash, compiled, bytes) = blocking(move || {
            let hash = content_hash(&bytes);
            let compiled = (serving.as_ref() != Some(&hash)).then(|| host.compile(&hash, &bytes));
            (hash, compiled, bytes)
        })
        .await;
        let Some(compiled) = compiled else {
            return Ok(Installed {
                version: hash,
                changed: false,
            });
        };
        let compiled = compiled.map_err(reject)?;
        let linker = &self.host.linker;
        let probe = self.host.surroundings.probe.clone();
        let version = match Version::new(linker, name.clone(), hash.clone(), &compiled, probe) {
            Ok(version) => Arc::new(version),
            Err(reason) => {
                let explained = blocking(move || component::explained(&bytes, reason)).await;
                return Err(reject(explained));
            }
        };
        let (tried, instance) = self.trial(&version).await.map_err(reject)?;

        let _turn = self.turn.lock().await;
        let host = self.host.clone();
        let (kept_name, kept_hash) = (name.clone(), hash.clone());
        blocking(move || host.keep(&kept_name, &kept_hash, &compiled, &bytes))
            .await
            .map_err(|error| {
                reject(format!(
                    "it could not be kept in the data directory: {error}"
                ))
            })?;
        self.swap(tried, instance);
        Ok(Installed {
            version: hash,
            changed: true,
        })
    }

    async fn restore(&self, name: &Name) -> Result<Installed, Rejected> {
        let host = self.host.clone();
        let kept_name = name.clone();
        let kept = blocking(move || host.kept.load(&kept_name)).await;
        let (hash, component) = kept.map_err(|error| {
            rejected(
                name,
                format!("no version of it is kept that could be restored: {error}"),
            )
        })?;
        if hash != content_hash(&component) {
            return Err(rejected(
                name,
                format!("its kept version {hash} is damaged"),
            ));
        }
        self.install(name, &component).await
    }

    fn remove(&self, name: &Name) {
        let _routes = self.routes();
        self.replace(name, None);
        if let Err(error) = self.host.kept.forget(name) {
            tracing::warn!(plugin = %name, %error, "the removed plugin's record stays on disk");
        }
    }

    fn serving(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.serving.load().keys().cloned().collect();
        names.sort_unstable();
        names
    }
}

impl Host {
    /// The plugin's own directory, should it be granted.
    pub(crate) fn files(&self, plugin: &str) -> PathBuf {
        self.data.join("files").join(plugin)
    }

    fn compile(&self, hash: &str, bytes: &[u8]) -> Result<Component, String> {
        if let Some(component) = self.cache.load(&self.engine, hash) {
            return Ok(component);
        }
        self.cache.forget(hash);
        component::compile(&self.engine, bytes)
    }

    /// Keeps a version that loaded well, and drops what it replaces.
    fn keep(&self, name: &str, hash: &str, compiled: &Component, bytes: &[u8]) -> io::Result<()> {
        self.kept.keep(name, hash, bytes)?;
        // The cache only saves time: without it the plugin serves all the same.
        let tidied = self.cache.store(hash, compiled).and_then(|()| {
            let wanted = self.kept.clean()?;
            self.cache.clean(&wanted)
        });
        if let Err(error) = tidied {
            tracing::warn!(plugin = name, %error, "the cache of compiled code was not updated");
        }
        Ok(())
    }
}

fn rejected(plugin: &Name, reason: String) -> Rejected {
    Rejected {
        plugin: plugin.clone(),
        reason,
    }
}

fn content_hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A plugin's name is the name of files and directories.
fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.starts_with('.');
    if fits && name.chars().all(plain) {
        return Ok(());
    }
    Err(format!(
        "a plugin's name has 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` and `.`, and does not \
         begin with a dot"
    ))
}

/// Runs what would hold up an asynchronous thread.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the runtime is shutting down: {error}"),
        },
    }
}
