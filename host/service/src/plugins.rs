//! The life of plugins in service: one thing at a time is done to each, and its subscriptions pause
//! and resume with it. What has begun ends, whether or not whoever wished it is still there: half of it
//! would leave subscriptions paused, or a version that is written down and does not serve.

mod candidates;
mod compiling;
mod status;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinError;
use wasmill_model::Name;
use wasmill_port::plugins::{ActError, Action, File, Installed, Rejected, Remedy, Standing};
use wasmill_port::{Clock, Guests, Plugins};

use crate::Handle;
use compiling::{Compiling, told_if_long};
use status::Untaken;
pub use status::{PluginStatus, Refusal};
use turns::Turns;

/// Whose subscriptions are paused and resumed.
pub trait Serving: Send + Sync + 'static {
    /// Resumes a plugin's subscriptions, or pauses them; returns once that is so.
    fn set_serving(&self, plugin: &Name, serving: bool) -> impl Future<Output = ()> + Send;
}

impl<G: Guests> Serving for Handle<G> {
    async fn set_serving(&self, plugin: &Name, serving: bool) {
        Self::set_serving(self, plugin, serving).await;
    }
}

/// Brings plugins into service and out of it, for the watched directory and for operators.
pub struct Supervisor<P, S> {
    plugins: Arc<P>,
    serving: Arc<S>,
    clock: Arc<dyn Clock>,
    turns: Turns,
    /// Whose file is compiled: one at a time.
    compilers: Turns,
    /// The last files that were not taken. It is not held across an await.
    untaken: Mutex<BTreeMap<Name, Untaken>>,
    compiling: Compiling,
    /// How often the routes have changed.
    routes: watch::Sender<u64>,
}

impl<P: Plugins, S: Serving> Supervisor<P, S> {
    /// Supervises `plugins`, whose subscriptions `serving` pauses and resumes.
    #[must_use]
    pub fn new(plugins: Arc<P>, serving: Arc<S>, clock: Arc<dyn Clock>) -> Self {
        Self {
            plugins,
            serving,
            clock,
            turns: Turns::default(),
            compilers: Turns::default(),
            untaken: Mutex::default(),
            compiling: Compiling::default(),
            routes: watch::Sender::default(),
        }
    }

    /// Compiles and checks the content of a plugin's file. It is not the plugin's turn meanwhile: what
    /// operators wish is done at once. If this is dropped, the compiler still goes on to its end, and
    /// the plugin's next file waits for it.
    ///
    /// # Errors
    /// Why it cannot serve.
    pub async fn prepare(
        &self,
        name: &Name,
        component: Vec<u8>,
        signature: Option<Vec<u8>>,
    ) -> Result<P::Prepared, Rejected> {
        let _begun = self.compiling.begin(name, self.clock.now());
        let turn = self.compilers.take(name).await;
        let (plugins, plugin) = (self.plugins.clone(), name.clone());
        let task = tokio::spawn(async move {
            let _turn = turn;
            let file = File {
                component: &component,
                signature: signature.as_deref(),
            };
            plugins.prepare(&plugin, file).await
        });
        or_panicked(name, told_if_long(name, task).await)
    }

    /// Takes what was prepared of a plugin's file, or notes why nothing was; none, and nothing is done, if
    /// it is not `still` there when the plugin's turn has come. On an error what serves still does, and
    /// nothing waits but this file, if it is to be brought again.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn take(
        &self,
        name: &Name,
        prepared: Result<P::Prepared, Rejected>,
        still: impl Future<Output = bool> + Send,
    ) -> Option<Result<Installed, Rejected>> {
        let _turn = self.turns.take(name).await;
        if !still.await {
            return None;
        }
        let taken = match prepared {
            Ok(prepared) => {
                let plugins = self.plugins.clone();
                let task = tokio::spawn(async move { plugins.take(prepared).await });
                or_panicked(name, task.await)
            }
            Err(rejected) => Err(rejected),
        };
        match &taken {
            Ok(installed) => {
                self.untaken().remove(name);
                self.serving.set_serving(name, installed.serving).await;
            }
            Err(rejected) => {
                self.plugins.dismiss(name).await;
                self.not_taken(rejected);
            }
        }
        Some(taken)
    }

    /// Puts the version into service that is to serve, although its file was not taken.
    ///
    /// # Errors
    /// Why that is impossible.
    pub async fn restore(&self, name: &Name) -> Result<Installed, String> {
        let _turn = self.turns.take(name).await;
        let restored = self.plugins.restore(name).await;
        let restored = restored.map_err(|rejected| rejected.reason)?;
        self.serving.set_serving(name, restored.serving).await;
        Ok(restored)
    }

    /// Takes a plugin out of service whose file is gone. Its subscriptions pause before it goes, so
    /// that no message meets its absence.
    pub async fn remove(&self, name: &Name) {
        let _turn = self.turns.take(name).await;
        self.untaken().remove(name);
        self.serving.set_serving(name, false).await;
        self.plugins.remove(name).await;
    }

    /// The plugins that are known, and not removed.
    pub(crate) fn present(&self) -> Vec<Name> {
        let all = self.plugins.standings().into_iter();
        all.filter(|(_, standing)| !standing.removed)
            .map(|(name, _)| name)
            .collect()
    }

    /// Notes why a plugin's file was not taken. True if that is news.
    pub(crate) fn not_taken(&self, rejected: &Rejected) -> bool {
        let untaken = Untaken::of(rejected, self.clock.now());
        let waits = rejected.waits().then(|| untaken.clone());
        let before = self.untaken().insert(rejected.plugin.clone(), untaken);
        waits.is_none() || before != waits
    }

    /// Does what an operator wants, and tells how the plugin stands then.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed.
    pub async fn act(
        self: Arc<Self>,
        name: Name,
        action: Action,
    ) -> Result<PluginStatus, ActError> {
        self.check_known(&name)?;
        to_its_end(async move {
            let _turn = self.turns.take(&name).await;
            let status = self.act_in_turn(&name, &action).await?;
            tracing::info!(plugin = %name, %action, "an operator acted");
            Ok(status)
        })
        .await
    }

    /// Does what an operator wants; the caller has the plugin's turn.
    async fn act_in_turn(&self, name: &Name, action: &Action) -> Result<PluginStatus, ActError> {
        let pauses = *action == Action::Disable && self.plugins.serving().contains(name);
        if pauses {
            self.serving.set_serving(name, false).await;
        }
        let acted = self.plugins.act(name, action.clone()).await;
        match &acted {
            Ok(serving) => {
                self.forget_held(name);
                self.serving.set_serving(name, *serving).await;
            }
            Err(_) if pauses => self.serving.set_serving(name, true).await,
            Err(_) => {}
        }
        acted?;
        let status = self.status(name);
        status.ok_or_else(|| ActError::Unknown(name.clone()))
    }

    /// Judges all files anew that are held, since the routes have changed, and lets whoever brings files
    /// know of it.
    pub async fn reconsider(&self) {
        self.routes.send_modify(|changes| *changes += 1);
        let standings = self.plugins.standings().into_iter();
        for (name, _) in standings.filter(|(_, standing)| standing.held.is_some()) {
            self.reconsider_one(&name).await;
        }
    }

    /// How often the routes have changed, from now on.
    pub(crate) fn routes(&self) -> watch::Receiver<u64> {
        self.routes.subscribe()
    }

    async fn reconsider_one(&self, name: &Name) {
        let _turn = self.turns.take(name).await;
        match self.plugins.reconsider(name).await {
            Ok(None) => self.forget_held(name),
            Ok(Some(version)) => {
                self.untaken().remove(name);
                self.serving.set_serving(name, true).await;
                tracing::info!(plugin = %name, version, "plugin in service: it was held before");
            }
            Err(rejected) => {
                let is_news = match rejected.waits() {
                    true => self.held_waits(&rejected),
                    false => self.not_taken(&rejected),
                };
                if is_news {
                    tracing::error!(error = %rejected, "what was held is not in service");
                }
            }
        }
    }

    /// Does again what the data directory did not allow, but for files: whoever found them brings them
    /// again.
    pub(crate) async fn catch_up(&self) {
        for name in self.plugins.behind() {
            let _turn = self.turns.take(&name).await;
            self.plugins.catch_up(&name).await;
        }
        let waiting: Vec<Name> = {
            let untaken = self.untaken();
            let waiting = untaken.iter();
            let waiting = waiting.filter(|(_, it)| matches!(it, Untaken::HeldWaits(_)));
            waiting.map(|(name, _)| name.clone()).collect()
        };
        for name in waiting {
            self.reconsider_one(&name).await;
        }
    }

    /// Notes that what is held no longer waits for the data directory.
    fn forget_held(&self, name: &Name) {
        let mut untaken = self.untaken();
        if matches!(untaken.get(name), Some(Untaken::HeldWaits(_))) {
            untaken.remove(name);
        }
    }

    /// Notes what the data directory did not allow. True if that is news.
    fn held_waits(&self, rejected: &Rejected) -> bool {
        let waits = Untaken::HeldWaits(rejected.reason.clone());
        let before = self
            .untaken()
            .insert(rejected.plugin.clone(), waits.clone());
        before != Some(waits)
    }

    /// Every plugin that there is, by name.
    #[must_use]
    pub fn statuses(&self) -> Vec<PluginStatus> {
        let mut standings: BTreeMap<_, _> = self.plugins.standings().into_iter().collect();
        let mut names: BTreeSet<Name> = standings.keys().cloned().collect();
        names.extend(self.untaken().keys().cloned());
        names.extend(self.compiling.plugins());
        let all = names.into_iter();
        all.map(|name| self.status_of(standings.remove(&name), name))
            .collect()
    }

    /// One plugin; none if there is nothing of it.
    #[must_use]
    pub fn status(&self, name: &str) -> Option<PluginStatus> {
        let status = self.status_of(self.plugins.standing(name), name.into());
        let is_known = status.standing.is_some()
            || status.refused.is_some()
            || status.waits.is_some()
            || status.compiling.is_some();
        is_known.then_some(status)
    }

    fn status_of(&self, standing: Option<Standing>, plugin: Name) -> PluginStatus {
        let untaken = self.untaken().get(&plugin).cloned();
        let compiling = self.compiling.since(&plugin);
        PluginStatus::new(plugin, standing, untaken, compiling)
    }

    /// What is wrong with the content of a plugin's kept versions, by their hashes.
    pub async fn damages(&self, name: &Name) -> BTreeMap<String, String> {
        self.plugins.damages(name).await
    }

    /// Whether there is something of this name.
    fn check_known(&self, name: &Name) -> Result<(), ActError> {
        if self.plugins.standing(name).is_some() {
            return Ok(());
        }
        let untaken = self.untaken();
        match untaken.get(name).and_then(Untaken::waits) {
            Some(why) => Err(ActError::Storage(why.to_owned())),
            None if self.compiling.since(name).is_some() => Err(ActError::Refused(
                "its first file is still being compiled: wait for it, or take the file away"
                    .to_owned(),
            )),
            None => Err(ActError::Unknown(name.clone())),
        }
    }

    fn untaken(&self) -> MutexGuard<'_, BTreeMap<Name, Untaken>> {
        self.untaken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that makes the compiler panic, or the host that starts it, is a bad file like others.
fn or_panicked<T>(
    plugin: &Name,
    ended: Result<Result<T, Rejected>, JoinError>,
) -> Result<T, Rejected> {
    ended.unwrap_or_else(|error| {
        Err(Rejected {
            plugin: plugin.clone(),
            reason: format!("loading it failed inside the host: {error}"),
            remedy: Remedy::File,
        })
    })
}

/// Does something to its end, even if whoever waits for it goes away.
async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the runtime is shutting down: {error}"),
        },
    }
}
