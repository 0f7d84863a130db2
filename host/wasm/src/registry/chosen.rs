//! The `Choose` port: versions that operators choose for single messages, whichever serves.
//!
//! What a version may is asked again when a message comes for it: files, grants and keys may have
//! changed since it was chosen, and the host may have been restarted.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::routes::{Grants, PluginSettings};
use wasmill_model::{Name, Routes};
use wasmill_port::Run;
use wasmill_port::chosen::{Choose, Chosen, Rehearsed};
use wasmill_port::plugins::ActError;

use super::Registry;
use crate::component::Version;
use crate::deadline::after;
use crate::instance::Instance;
use crate::pool::Serving;
use crate::versions::{Kept, Record};

/// Chosen versions that are kept ready, of all plugins together.
const READY_MAX: usize = 4;

/// A version that was chosen, apart from what it would do outside of the host.
pub struct Understudy {
    hash: Name,
    lacks_files: bool,
    serving: Serving,
}

impl Choose for Registry {
    type Chosen = Understudy;

    async fn make_ready(&self, plugin: &Name, version: &str) -> Result<Name, ActError> {
        let record = self.host.versions.of(plugin)?;
        if record.kept().is_empty() {
            return Err(ActError::Unknown(plugin.clone()));
        }
        let hash = Name::from(record.named(version)?.hash.as_str());
        if self.version(plugin).as_deref() == Some(&*hash) {
            return Ok(hash);
        }
        let serving = self.ready(plugin, &hash).await?;
        if serving.idle_instances().is_empty() {
            serving.give_back(start(&serving).await?);
        }
        Ok(hash)
    }

    async fn choose(&self, plugin: &Name, version: Option<&str>) -> Result<Understudy, ActError> {
        let record = self.host.versions.of(plugin)?;
        if record.kept().is_empty() {
            return Err(ActError::Unknown(plugin.clone()));
        }
        let kept = match version {
            Some(version) => record.named(version)?,
            None => record.in_service().ok_or_else(|| {
                let why = "the plugin is not in service: name a version of it, or put it back";
                ActError::Refused(why.to_owned())
            })?,
        };
        let routes = self.routes().clone();
        self.check_choice(plugin, &record, kept, &routes)?;
        let hash = Name::from(kept.hash.as_str());
        let loaded = self.version_of(plugin, &hash).await;
        let settings = routes.plugin(plugin);
        let version = loaded.map_err(ActError::from)?;
        let lacks_files = version.narrowed(&settings).grants.files;
        let serving =
            Serving::new(self.host.clone(), version, Arc::new(inside(&settings))).closed();
        serving.give_back(start(&serving).await?);
        Ok(Understudy {
            hash,
            lacks_files,
            serving,
        })
    }
}

/// Why a chosen version is not there for a message.
enum Unready {
    /// It must not handle any.
    Refused(String),
    /// It could not be loaded, which may pass.
    NotLoaded(String),
}

impl From<Unready> for ActError {
    fn from(unready: Unready) -> Self {
        match unready {
            Unready::Refused(why) | Unready::NotLoaded(why) => Self::Refused(why),
        }
    }
}

impl Chosen for Understudy {
    fn hash(&self) -> &Name {
        &self.hash
    }

    async fn rehearse(&self, run: Run) -> Rehearsed {
        Rehearsed {
            lacks_files: self.lacks_files,
            ..self.serving.rehearse(run).await
        }
    }
}

impl Registry {
    /// Has the version that it was chosen for handle a run, in the place of the one that serves. If
    /// that is impossible the message fails for good: no other version may handle it.
    pub(crate) async fn handle_chosen(&self, running: &Serving, run: &mut Run, version: &Name) {
        if *running.version.hash == **version {
            return running.handle(run, None).await;
        }
        match self.ready(&run.plugin, version).await {
            Ok(chosen) => running.hand_on(run, &chosen).await,
            Err(Unready::Refused(why)) => fail(run, version, &why, FailureKind::Reject),
            Err(Unready::NotLoaded(why)) => fail(run, version, &why, FailureKind::Retry),
        }
    }

    /// A version that a message was chosen for, under the settings in force.
    async fn ready(&self, plugin: &Name, hash: &Name) -> Result<Arc<Serving>, Unready> {
        let refused = |why: String| Unready::Refused(why);
        let (record, routes) = (self.host.versions.of(plugin), self.routes().clone());
        let record = record.map_err(|unreadable| Unready::NotLoaded(unreadable.0))?;
        let kept = record.find(hash);
        let kept = kept.ok_or("no version of this content is kept any more");
        let kept = kept.map_err(|why| refused(why.to_owned()))?;
        let checked = self.check_choice(plugin, &record, kept, &routes);
        checked.map_err(|error| refused(error.to_string()))?;
        let settings = routes.plugin(plugin);
        if let Some(found) = self.chosen.find(plugin, hash, &settings) {
            return Ok(found);
        }
        let _loading = self.chosen.loading.lock().await;
        if let Some(found) = self.chosen.find(plugin, hash, &settings) {
            return Ok(found);
        }
        let version = self.version_of(plugin, hash).await?;
        let serving = Arc::new(Serving::new(self.host.clone(), version, settings));
        self.chosen.keep(serving.clone());
        Ok(serving)
    }

    /// Whether a version may handle messages that are chosen for it. The one that serves may.
    fn check_choice(
        &self,
        plugin: &Name,
        record: &Record,
        version: &Kept,
        routes: &Routes,
    ) -> Result<(), ActError> {
        if self.version(plugin).as_ref() == Some(&version.hash) {
            return Ok(());
        }
        let signed = version.check_signature(plugin, &routes.signatures);
        signed.map_err(ActError::Refused)?;
        record.check_choice(version, &routes.plugin(plugin).grants)
    }

    /// A version that has a handler.
    async fn version_of(&self, plugin: &Name, hash: &str) -> Result<Arc<Version>, Unready> {
        let version = match self.find(plugin) {
            Some(serving) if serving.version.hash == hash => serving.version.clone(),
            _ => {
                let loaded = self.load_kept(plugin, hash).await;
                loaded.map_err(Unready::NotLoaded)?.version
            }
        };
        if !version.exports.handles() {
            let why = "it exports no `handler`, so it handles no messages";
            return Err(Unready::Refused(why.to_owned()));
        }
        Ok(version)
    }
}

/// An instance: what does not start would fail with each message.
async fn start(serving: &Serving) -> Result<Instance, ActError> {
    let deadline = after(Instant::now(), serving.settings.limits.deadline);
    let started = serving.in_turn(pin!(serving.start(deadline))).await;
    started.map_err(|it| ActError::Refused(format!("it does not start: {}", it.fault.0)))
}

/// Chosen versions that are ready for the next message.
#[derive(Default)]
pub(super) struct Ready {
    /// The one that was used last is last. Never held across an await.
    all: Mutex<VecDeque<Arc<Serving>>>,
    /// One is loaded at a time, so that none is loaded twice.
    loading: tokio::sync::Mutex<()>,
}

impl Ready {
    /// One that is ready under these settings.
    fn find(&self, plugin: &str, hash: &str, settings: &PluginSettings) -> Option<Arc<Serving>> {
        let mut all = self.all();
        let is_it = |it: &Arc<Serving>| *it.version.plugin == *plugin && it.version.hash == hash;
        let place = all.iter().position(is_it)?;
        let found = all.remove(place)?;
        if *found.settings != *settings {
            found.retire();
            return None;
        }
        all.push_back(found.clone());
        Some(found)
    }

    fn keep(&self, serving: Arc<Serving>) {
        let mut all = self.all();
        all.push_back(serving);
        if all.len() > READY_MAX
            && let Some(oldest) = all.pop_front()
        {
            oldest.retire();
        }
    }

    /// Drops all of them: the next messages load theirs anew.
    pub(super) fn clear(&self) {
        let all = std::mem::take(&mut *self.all());
        all.iter().for_each(|it| it.retire());
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Arc<Serving>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The settings of a version that is to do nothing outside of the host.
fn inside(settings: &PluginSettings) -> PluginSettings {
    PluginSettings {
        grants: Grants {
            files: false,
            http: Vec::new(),
            ..settings.grants.clone()
        },
        ..settings.clone()
    }
}

/// Fails the next message of a run: no other version may handle it.
fn fail(run: &mut Run, version: &Name, why: &str, kind: FailureKind) {
    if let Some(call) = run.begin() {
        let cause = format!(
            "version {version} of plugin `{}`, which alone may handle the message since it was \
             redriven through it, cannot: {why}",
            run.plugin
        );
        run.end(call, Err(Failure { kind, cause }), None);
    }
}
