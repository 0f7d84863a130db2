//! Files that are being compiled and checked, which may take half a minute.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use wasmill_model::{Millis, Name};

/// How long a file is compiled and checked in silence.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// Plugins whose file is being prepared, and since when.
#[derive(Debug, Default)]
pub(super) struct Compiling(Mutex<BTreeMap<Name, Millis>>);

/// A file of a plugin is being prepared, until this is dropped: one at a time.
pub(super) struct Begun<'a> {
    compiling: &'a Compiling,
    plugin: &'a Name,
}

impl Compiling {
    pub(super) fn begin<'a>(&'a self, plugin: &'a Name, now: Millis) -> Begun<'a> {
        self.all().insert(plugin.clone(), now);
        Begun {
            compiling: self,
            plugin,
        }
    }

    /// Since when a plugin's file is being prepared, if it is.
    pub(super) fn since(&self, plugin: &Name) -> Option<Millis> {
        self.all().get(plugin).copied()
    }

    pub(super) fn plugins(&self) -> Vec<Name> {
        self.all().keys().cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Name, Millis>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.compiling.all().remove(self.plugin);
    }
}

/// Waits for a file to be prepared, and says so once if that takes long, as compiling JavaScript does.
pub(super) async fn told_if_long<T>(
    plugin: &Name,
    mut task: JoinHandle<T>,
) -> Result<T, JoinError> {
    if let Ok(ended) = tokio::time::timeout(SILENCE_MAX, &mut task).await {
        return ended;
    }
    tracing::info!(%plugin, "plugin file is being compiled: what served before does until then");
    task.await
}
