//! A version on trial beside the one that serves, and which of the two handles a message.

mod canary;
mod figures;
mod shadow;
#[cfg(test)]
mod tests;
mod trials;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwapOption;
use tokio::time::Instant;
use wasmill_model::routes::PluginSettings;
use wasmill_model::{Millis, Name};
use wasmill_port::candidate::{self as port, Ended, Plan};
use wasmill_port::{Call, Run};

use crate::component::Version;
use crate::handled::{Lent, Slots};
use crate::instance::Unstarted;
use crate::pool::Serving;
use crate::registry::Host;
use canary::Canary;
use shadow::Shadow;

pub(crate) use trials::Trials;

/// A version on trial, or what is to be told of one that was.
pub(crate) struct Candidate {
    plugin: Name,
    /// The content hash of the candidate.
    version: String,
    /// That of the version that it is compared with: once another one serves, the trial is over.
    running: String,
    since: Millis,
    /// What the candidate is called by. None once the trial is over, so that its code goes.
    serving: ArcSwapOption<Serving>,
    trial: Trial,
    // Taken when the trial begins to end, or is told of; never for a message.
    stage: Mutex<Stage>,
    /// Where it is while it is under way.
    trials: Weak<Trials>,
}

enum Trial {
    Canary(Box<Canary>),
    Shadow(Box<Shadow>),
}

/// How far a trial is.
enum Stage {
    UnderWay,
    /// It is being put into service: nothing else ends it meanwhile.
    Promoting,
    Over(Ended),
}

impl Candidate {
    /// Tries `version` beside the one with the hash `running`, under the plugin's `settings`. It is
    /// about to begin among `trials`.
    pub(crate) fn new(
        host: &Arc<Host>,
        trials: Weak<Trials>,
        running: &str,
        version: Arc<Version>,
        settings: &Arc<PluginSettings>,
        plan: Plan,
    ) -> Self {
        let since = host.clock.now();
        let trial = match plan {
            Plan::Canary(plan) => Trial::Canary(Box::new(Canary::new(plan, since))),
            Plan::Shadow(plan) => Trial::Shadow(Box::new(Shadow::new(plan))),
        };
        let (plugin, hash) = (version.plugin.clone(), version.hash.clone());
        let serving = trial.serving(host, version, settings);
        Self {
            plugin,
            version: hash,
            running: running.to_owned(),
            since,
            serving: ArcSwapOption::from_pointee(serving),
            trial,
            stage: Mutex::new(Stage::UnderWay),
            trials,
        }
    }

    /// The plugin's settings changed: the candidate is called under the new ones.
    pub(crate) fn renew(&self, host: &Arc<Host>, settings: &Arc<PluginSettings>) {
        // So that the trial does not end in between, and this brings the candidate back.
        let _stage = self.stage();
        let Some(old) = self.serving.load_full() else {
            return;
        };
        if old.settings != *settings {
            let new = self.trial.serving(host, old.version.clone(), settings);
            self.serving.store(Some(Arc::new(new)));
            old.retire();
        }
    }

    /// Starts an instance as its calls would, and keeps it for the first of them.
    ///
    /// # Errors
    /// Why it does not start.
    pub(crate) async fn start(&self) -> Result<(), Unstarted> {
        let Some(serving) = self.serving.load_full() else {
            return Ok(());
        };
        serving.give_back(serving.try_start().await?);
        Ok(())
    }

    /// Whether messages of this version's may be its.
    pub(crate) fn is_beside(&self, running: &Serving) -> bool {
        self.serving.load().is_some() && self.running == running.version.hash
    }

    /// Handles a message, one way or the other: whether the run goes on, and since when.
    pub(crate) async fn handle(
        &self,
        running: &Serving,
        slots: &mut Slots,
        run: &mut Run,
        call: Box<Call>,
        now: Instant,
    ) -> (bool, Instant) {
        if self.serving.load().is_none() {
            let handled = running.handle_one(&mut slots.running, call, now).await;
            return handled.end(run);
        }
        match &self.trial {
            Trial::Canary(canary) => canary.handle(self, running, slots, run, call, now).await,
            Trial::Shadow(shadow) => shadow.handle(self, running, slots, run, call, now).await,
        }
    }

    /// What the run's next message goes to; none if the trial is over. An instance that the run has
    /// from before a change of the settings goes where it came from.
    fn lend<'s>(&self, slots: &'s mut Slots) -> Option<&'s mut Lent> {
        let serving = self.serving.load_full()?;
        let lent = match slots.candidate.take() {
            Some(lent) if Arc::ptr_eq(&lent.serving, &serving) => lent,
            earlier => {
                earlier.into_iter().for_each(Lent::give_back);
                Lent {
                    serving,
                    instance: None,
                }
            }
        };
        Some(slots.candidate.insert(lent))
    }

    /// Ends the trial, unless it is over, or the candidate is being promoted. True if this ended it.
    pub(crate) fn end(&self, ended: Ended) -> bool {
        let mut stage = self.stage();
        let is_first = matches!(*stage, Stage::UnderWay);
        if is_first {
            self.over(&mut stage, ended);
        }
        is_first
    }

    /// Ends the trial unless `serves` is the version that it is beside.
    pub(crate) fn end_unless_beside(&self, serves: Option<&str>) {
        let why = match serves {
            Some(hash) if hash == self.running => return,
            Some(hash) => format!("another version came into service: {hash}"),
            None => "the plugin went out of service".to_owned(),
        };
        self.end(Ended::Broken(why));
    }

    /// Claims the right to put a canary into service; none if the trial is over, of another version, or
    /// no canary.
    pub(crate) fn promote(self: Arc<Self>, version: &str) -> Option<Promotion> {
        {
            let is_it = matches!(self.trial, Trial::Canary(_)) && self.version == version;
            let mut stage = self.stage();
            if !is_it || !matches!(*stage, Stage::UnderWay) {
                return None;
            }
            *stage = Stage::Promoting;
        }
        Some(Promotion(self))
    }

    fn over(&self, stage: &mut Stage, ended: Ended) {
        let (plugin, version, trial) = (&self.plugin, &self.version, self.trial.name());
        match &ended {
            Ended::RolledBack(why) => tracing::warn!(
                %plugin, version, trial, why, "the trial is over: the version was rolled back"
            ),
            Ended::Broken(why) => {
                tracing::warn!(%plugin, version, trial, why, "the trial is over: it could not go on");
            }
            Ended::Promoted => {
                tracing::info!(%plugin, version, trial, "the trial is over: the version serves now");
            }
            Ended::Stopped => {
                tracing::info!(%plugin, version, trial, "the trial is over: an operator ended it");
            }
        }
        *stage = Stage::Over(ended);
        if let Some(serving) = self.serving.swap(None) {
            serving.retire();
        }
        if let Some(trials) = self.trials.upgrade() {
            trials.end(self);
        }
    }

    /// How it stands.
    pub(crate) fn status(&self) -> port::Candidate {
        let ended = match &*self.stage() {
            Stage::UnderWay | Stage::Promoting => None,
            Stage::Over(ended) => Some(ended.clone()),
        };
        port::Candidate {
            plugin: self.plugin.clone(),
            version: self.version.clone(),
            running: self.running.clone(),
            since: self.since,
            ended,
            trial: match &self.trial {
                Trial::Canary(canary) => canary.status(),
                Trial::Shadow(shadow) => shadow.status(),
            },
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to put a canary into service. Until it is used or dropped, nothing else ends the trial;
/// dropped unused, the trial goes on.
pub(crate) struct Promotion(Arc<Candidate>);

impl Promotion {
    /// The candidate is in service.
    pub(crate) fn done(self) {
        self.0.over(&mut self.0.stage(), Ended::Promoted);
    }
}

impl Drop for Promotion {
    fn drop(&mut self) {
        let mut stage = self.0.stage();
        if matches!(*stage, Stage::Promoting) {
            *stage = Stage::UnderWay;
        }
    }
}

impl Trial {
    fn name(&self) -> &'static str {
        match self {
            Self::Canary(_) => "canary",
            Self::Shadow(_) => "shadow",
        }
    }

    /// The candidate, under the plugin's settings. What a shadow does is thrown away, and what it did
    /// outside would stay.
    fn serving(
        &self,
        host: &Arc<Host>,
        version: Arc<Version>,
        settings: &Arc<PluginSettings>,
    ) -> Serving {
        let (host, settings) = (host.clone(), settings.clone());
        match self {
            Self::Canary(_) => Serving::new(host, version, settings),
            Self::Shadow(_) => Serving::inside(host, version, settings, self.name()),
        }
    }
}
