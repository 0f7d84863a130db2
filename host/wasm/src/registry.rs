//! The plugins in service, by name, and what they share.

mod arrival;
mod candidates;
mod chosen;
mod force;
mod load;
mod plugins;
mod shelf;
mod whole;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use tokio::runtime;
use tokio::sync::Semaphore;
use wasmill_model::Name;
use wasmill_model::routes::{PluginSettings, Routes};
use wasmill_port::{Account, Accounts, Clock};
use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::account::Meters;
use crate::cache::Cache;
use crate::candidate::Trials;
use crate::data::Data;
use crate::limits::CALLS_PER_INSTANCE_MAX;
use crate::metrics::Metrics;
use crate::pool::Serving;
use crate::share::{Owns, Room, Turns};
use crate::surroundings::Surroundings;
use crate::versions::Versions;
use crate::{engine, imports};
use chosen::Standby;
use load::Tried;
use shelf::Shelf;
use whole::Wholes;

pub use arrival::Prepared;
pub use chosen::Understudy;

/// Where versions are kept in the data directory.
const VERSIONS: &str = "plugins";

/// Where a registry keeps its files, and counts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data directory, which the caller has locked. The registry uses `plugins`, `cache` and
    /// `files` in it.
    pub data: PathBuf,
    /// What it counts.
    pub metrics: Metrics,
    /// Calls after which an instance is replaced by a fresh one, 10,000 unless told otherwise: what
    /// a guest leaks is given back then. A test that looks for leaks sets it higher.
    pub calls_per_instance_max: u32,
    /// What is around guests: nothing but the host, unless told otherwise.
    pub surroundings: Surroundings,
}

impl Config {
    /// The usual settings, with this data directory and counters that nobody reads.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            metrics: Metrics::default(),
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
    /// A directory could not be made or read.
    #[error("{}: {cause}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The cause.
        cause: io::Error,
    },
}

/// What all plugins share.
pub(crate) struct Host {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    /// Room for calls in progress.
    pub(crate) calls: Room,
    /// What each plugin may have at once.
    pub(crate) owns: Owns,
    /// Turns of calls to compute.
    pub(crate) turns: Turns,
    /// Room for idle instances.
    pub(crate) idle: Arc<Semaphore>,
    pub(crate) linker: Linker<Data>,
    pub(crate) meters: Meters,
    cache: Cache,
    versions: Versions,
    wholes: Wholes,
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
    pub(crate) trials: Arc<Trials>,
    /// Versions that were chosen for messages, or to be shown with them.
    chosen: Shelf<Standby>,
    // Never held across an await.
    routes: Mutex<Arc<Routes>>,
    /// One record at a time is written to disk.
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
            move |cause| Error::Directory { path, cause }
        };
        let cache = Cache::open(&data.join("cache"), &engine).map_err(directory("cache"))?;
        let versions = Versions::open(&data.join(VERSIONS)).map_err(directory(VERSIONS))?;
        let host = Host {
            engine,
            clock,
            metrics: config.metrics,
            calls: Room::new(engine::CALLS_MAX as usize),
            owns: Owns::default(),
            turns: Turns::new(threads()),
            idle: Arc::new(Semaphore::new(engine::IDLE_MAX as usize)),
            linker,
            meters: Meters::default(),
            cache,
            versions,
            wholes: Wholes::default(),
            data,
            surroundings: config.surroundings,
            calls_per_instance_max: config.calls_per_instance_max,
        };
        Ok(Arc::new(Self {
            host: Arc::new(host),
            serving: ArcSwap::default(),
            trials: Arc::default(),
            chosen: Shelf::new(chosen::LOADED_MAX),
            routes: Mutex::new(routes),
            turn: tokio::sync::Mutex::new(()),
        }))
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
        self.end_unsigned(&current);
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
        for (name, candidate) in &*self.trials.under_way() {
            candidate.renew(&self.host, &routes.plugin(name));
        }
        for standby in self.chosen.all_of_them() {
            standby.retire_if(|serving| chosen(serving, &routes.plugin(&serving.version.plugin)));
        }
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

    /// Puts a version into service that starts, in place of another.
    fn swap(&self, tried: Tried) {
        let Tried { serving, instance } = tried;
        let routes = self.routes();
        let name = serving.version.plugin.clone();
        let settings = routes.plugin(&name);
        let serving = if settings == serving.settings {
            serving.give_back(instance);
            serving
        } else {
            Serving::new(self.host.clone(), serving.version, settings)
        };
        self.replace(&name, Some(Arc::new(serving)));
    }

    /// Replaces what serves `name`, and ends the trial of a version beside another; the caller holds the
    /// lock of `routes`.
    fn replace(&self, name: &Name, serving: Option<Arc<Serving>>) {
        let hash = serving.as_ref().map(|it| it.version.hash.clone());
        let mut next = HashMap::clone(&self.serving.load());
        let old = match serving {
            Some(serving) => next.insert(name.clone(), serving),
            None => next.remove(name),
        };
        self.serving.store(Arc::new(next));
        if let Some(old) = old {
            old.retire();
        }
        if let Some(candidate) = self.trials.last(name) {
            candidate.end_unless_beside(hash.as_deref());
        }
    }

    fn routes(&self) -> MutexGuard<'_, Arc<Routes>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts for Registry {
    fn accounts(&self) -> Vec<Account> {
        self.host.meters.accounts()
    }
}

impl Host {
    /// The plugin's own directory, should it be granted.
    pub(crate) fn files(&self, plugin: &str) -> PathBuf {
        self.data.join("files").join(plugin)
    }
}

/// Threads on which calls compute.
fn threads() -> usize {
    let threads = runtime::Handle::try_current().map(|it| it.metrics().num_workers());
    threads.unwrap_or_else(|_| std::thread::available_parallelism().map_or(1, usize::from))
}
