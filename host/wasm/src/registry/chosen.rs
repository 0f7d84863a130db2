//! The `Choose` port: versions that operators choose for single messages, whichever serves.
//!
//! What a version may is asked again when a message comes for it: files, grants and keys may have
//! changed since it was chosen, and the host may have been restarted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::routes::PluginSettings;
use wasmill_model::{Name, Routes};
use wasmill_port::Run;
use wasmill_port::chosen::{Choose, Chosen, Rehearsed};
use wasmill_port::plugins::ActError;

use super::{Host, Registry};
use crate::component::Version;
use crate::instance::{Instance, Unstarted};
use crate::pool::Serving;
use crate::versions::{Kept, Record};

/// Most versions that stay loaded since they were chosen, of all plugins together.
pub(super) const LOADED_MAX: usize = 16;

/// A version that was chosen, apart from what it would do outside of the host.
pub struct Understudy(Serving);

/// A version that was chosen lately.
#[derive(Default)]
pub(super) struct Standby {
    /// Loaded once; who wants it meanwhile waits for that, and for no other version.
    version: OnceCell<Arc<Version>>,
    /// What handles the messages that it was chosen for. Never held across an await.
    serving: Mutex<Option<Arc<Serving>>>,
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
            serving.give_back(started(serving.try_start().await)?);
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
        let version = match self.find(plugin) {
            Some(serving) if serving.version.hash == kept.hash => serving.version.clone(),
            _ => {
                let standby = self.chosen.of(plugin, &kept.hash);
                self.load_chosen(&standby, plugin, &kept.hash).await?
            }
        };
        check_handles(&version)?;
        let settings = routes.plugin(plugin);
        let serving = Serving::preview(self.host.clone(), version, settings);
        serving.give_back(started(serving.try_start().await)?);
        Ok(Understudy(serving))
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
    fn hash(&self) -> &str {
        &self.0.version.hash
    }

    async fn rehearse(&self, run: Run) -> Rehearsed {
        self.0.rehearse(run).await
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
            Ok(chosen) => chosen.handle(run, None).await,
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
        let standby = self.chosen.of(plugin, hash);
        let version = self.load_chosen(&standby, plugin, hash).await?;
        check_handles(&version)?;
        Ok(standby.serving(&self.host, &version, routes.plugin(plugin)))
    }

    /// The version of a plugin that stands by, loaded.
    async fn load_chosen(
        &self,
        standby: &Standby,
        plugin: &Name,
        hash: &str,
    ) -> Result<Arc<Version>, Unready> {
        let load = async || {
            let loaded = self.load_kept(plugin, hash).await;
            Ok(loaded.map_err(Unready::NotLoaded)?.version)
        };
        standby.version.get_or_try_init(load).await.cloned()
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
}

impl Standby {
    /// What handles its messages under these settings.
    fn serving(
        &self,
        host: &Arc<Host>,
        version: &Arc<Version>,
        settings: Arc<PluginSettings>,
    ) -> Arc<Serving> {
        let mut current = self.current();
        if let Some(serving) = &*current
            && serving.settings == settings
        {
            return serving.clone();
        }
        let new = Arc::new(Serving::new(host.clone(), version.clone(), settings));
        if let Some(old) = current.replace(new.clone()) {
            old.retire();
        }
        new
    }

    /// Begins anew with its next message, if that is to be.
    pub(super) fn retire_if(&self, is_to_be: impl FnOnce(&Serving) -> bool) {
        if let Some(old) = self.current().take_if(|serving| is_to_be(serving)) {
            old.retire();
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Serving>>> {
        self.serving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What does not start would fail with each message.
fn started(started: Result<Instance, Unstarted>) -> Result<Instance, ActError> {
    started.map_err(|it| ActError::Refused(format!("it does not start: {}", it.fault.0)))
}

fn check_handles(version: &Version) -> Result<(), Unready> {
    match version.exports.handles() {
        true => Ok(()),
        false => {
            let why = "it exports no `handler`, so it handles no messages";
            Err(Unready::Refused(why.to_owned()))
        }
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
