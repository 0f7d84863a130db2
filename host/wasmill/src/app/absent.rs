//! Warns of plugins that subscriptions of the routes need and that are not in service: what such a
//! subscription gets waits, without a word to whoever sends it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use wasmill_model::{Name, Routes};
use wasmill_port::Plugins;
use wasmill_service::{Handle, Serving};
use wasmill_wasm::Registry;

/// The plugins that are absent, each of which is told of once until it comes.
pub(crate) struct Absent {
    plugins: Arc<Registry>,
    /// Where they belong.
    directory: PathBuf,
    // Not a tokio mutex: nobody waits while holding it.
    told: Mutex<BTreeSet<Name>>,
}

impl Absent {
    pub(crate) fn new(plugins: Arc<Registry>, directory: PathBuf) -> Self {
        Self {
            plugins,
            directory,
            told: Mutex::default(),
        }
    }

    /// Warns of those that these routes need, once all that there are have been loaded.
    pub(crate) fn look(&self, routes: &Routes) {
        let serving = self.plugins.serving();
        let mut absent: BTreeMap<&Name, Vec<&str>> = BTreeMap::new();
        for sub in routes.subscriptions() {
            if !serving.contains(&sub.plugin) {
                absent.entry(&sub.plugin).or_default().push(&sub.name);
            }
        }
        self.told().retain(|plugin| absent.contains_key(plugin));
        let directory = self.directory.display();
        for (plugin, subscriptions) in absent {
            if self.told().insert(plugin.clone()) {
                let subscriptions = subscriptions.join(", ");
                tracing::warn!(
                    %plugin,
                    subscriptions,
                    "plugin not in service: messages for its subscriptions wait until a good \
                     {plugin}.wasm is in {directory}"
                );
            }
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, BTreeSet<Name>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resumes and pauses subscriptions, and notes which plugins come and go.
pub(super) struct Watched {
    pub(super) handle: Handle<Registry>,
    pub(super) absent: Arc<Absent>,
}

impl Serving for Watched {
    async fn set_serving(&self, plugin: &Name, serving: bool) {
        self.handle.set_serving(plugin, serving).await;
        match serving {
            true => drop(self.absent.told().remove(plugin)),
            // Whoever removes a plugin's file is told that its subscriptions pause.
            false => drop(self.absent.told().insert(plugin.clone())),
        }
    }
}
