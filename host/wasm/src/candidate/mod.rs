//! A version on trial beside the one that serves, and which of the two handles a message.

mod canary;
mod figures;
mod shadow;

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tokio::time::Instant;
use wasmill_model::routes::{Grants, PluginSettings};
use wasmill_model::{Millis, Name};
use wasmill_port::candidate::{self as port, Ended, Plan};
use wasmill_port::{Call, Run};

use crate::component::Version;
use crate::handled::Slots;
use crate::instance::Instance;
use crate::pool::Serving;
use crate::registry::Host;
use canary::Canary;
use shadow::Shadow;

/// A version on trial.
pub(crate) struct Candidate {
    plugin: Name,
    /// The version that it is compared with: if another one serves, the trial is over.
    running: String,
    since: Millis,
    serving: ArcSwap<Serving>,
    trial: Trial,
    ended: OnceLock<Ended>,
}

enum Trial {
    Canary(Box<Canary>),
    Shadow(Box<Shadow>),
}

impl Candidate {
    /// Tries `version` beside `running`.
    pub(crate) fn new(
        host: &Arc<Host>,
        running: &Serving,
        version: Arc<Version>,
        plan: Plan,
    ) -> Self {
        let since = host.clock.now();
        let trial = match plan {
            Plan::Canary(plan) => Trial::Canary(Box::new(Canary::new(plan, since))),
            Plan::Shadow(plan) => Trial::Shadow(Box::new(Shadow::new(plan))),
        };
        let settings = trial.settings(&running.settings);
        Self {
            plugin: version.plugin.clone(),
            running: running.version.hash.clone(),
            since,
            serving: ArcSwap::from_pointee(Serving::new(host.clone(), version, settings)),
            trial,
            ended: OnceLock::new(),
        }
    }

    /// The plugin's settings changed: the candidate is called under the new ones.
    pub(crate) fn renew(&self, host: &Arc<Host>, settings: &Arc<PluginSettings>) {
        let settings = self.trial.settings(settings);
        let old = self.serving.load_full();
        if old.settings != settings {
            let new = Serving::new(host.clone(), old.version.clone(), settings);
            self.serving.store(Arc::new(new));
            old.retire();
        }
    }

    /// What the candidate is called by.
    pub(crate) fn serving(&self) -> Arc<Serving> {
        self.serving.load_full()
    }

    /// Handles a message, one way or the other: whether the run goes on, and since when.
    pub(crate) async fn handle(
        &self,
        running: &Serving,
        slots: &mut Slots,
        run: &mut Run,
        call: Call,
        now: Instant,
    ) -> (bool, Instant) {
        if self.ended.get().is_some() || self.running != running.version.hash {
            let handled = running.handle_one(&mut slots.running, call, now).await;
            return handled.end(run);
        }
        match &self.trial {
            Trial::Canary(canary) => canary.handle(self, running, slots, run, call, now).await,
            Trial::Shadow(shadow) => shadow.handle(self, running, slots, run, call, now).await,
        }
    }

    /// Keeps an instance of the candidate for its next call.
    pub(crate) fn give_back(&self, instance: Instance) {
        self.serving().give_back(instance);
    }

    /// Ends the trial, unless it is over. True if this ended it.
    pub(crate) fn end(&self, ended: Ended) -> bool {
        let version = &self.serving().version.hash[..12];
        let is_first = self.ended.set(ended.clone()).is_ok();
        if is_first {
            let plugin = &self.plugin;
            match ended {
                Ended::RolledBack(why) | Ended::Broken(why) => {
                    tracing::warn!(%plugin, version, why, "the version on trial handles no more");
                }
                Ended::Promoted | Ended::Stopped => {
                    tracing::info!(%plugin, version, "the trial of a version is over");
                }
            }
            self.serving().retire();
        }
        is_first
    }

    /// How it stands; `serves` is the version in service.
    pub(crate) fn status(&self, serves: Option<&str>) -> port::Candidate {
        let ended = self.ended.get().cloned().or_else(|| {
            (serves != Some(self.running.as_str()))
                .then(|| Ended::Broken("another version came into service, or none is".to_owned()))
        });
        port::Candidate {
            plugin: self.plugin.clone(),
            version: self.serving().version.hash.clone(),
            running: self.running.clone(),
            since: self.since,
            ended,
            trial: match &self.trial {
                Trial::Canary(canary) => canary.status(),
                Trial::Shadow(shadow) => shadow.status(),
            },
        }
    }
}

impl Trial {
    /// The settings that the candidate is called under.
    fn settings(&self, of_plugin: &Arc<PluginSettings>) -> Arc<PluginSettings> {
        match self {
            Self::Canary(_) => of_plugin.clone(),
            // Whatever it wrote to files would stay.
            Self::Shadow(_) => Arc::new(PluginSettings {
                grants: Grants {
                    files: false,
                    ..of_plugin.grants.clone()
                },
                ..PluginSettings::clone(of_plugin)
            }),
        }
    }
}
