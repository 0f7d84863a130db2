//! Versions on trial: begun and ended by operators, and promoted when their window is over.

use std::sync::Arc;
use std::time::Duration;

use wasmill_model::{Millis, Name};
use wasmill_port::Plugins;
use wasmill_port::candidate::{Candidate, Candidates, Ended, Plan, Trial};
use wasmill_port::plugins::{ActError, Action};

use super::{PluginStatus, Serving, Supervisor};

impl<P: Plugins + Candidates, S: Serving> Supervisor<P, S> {
    /// Tries a version beside the one that serves. A canary that is to be promoted will be, when its
    /// window is over and it held.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed.
    pub async fn try_version(
        self: Arc<Self>,
        name: &Name,
        version: &str,
        plan: Plan,
    ) -> Result<Candidate, ActError> {
        let turn = self.turn(name).await;
        let candidate = self.plugins.try_version(name, version, plan).await?;
        tracing::info!(plugin = %name, version = candidate.version, "a version is on trial");
        if let Trial::Canary { plan, .. } = &candidate.trial
            && plan.promote
        {
            drop(turn);
            let ends = ends(self, name.clone(), candidate.since, plan.window);
            tokio::spawn(ends);
        }
        Ok(candidate)
    }

    /// The version of a plugin on trial, or the last one that was.
    #[must_use]
    pub fn candidate(&self, name: &str) -> Option<Candidate> {
        self.plugins.candidate(name)
    }

    /// Puts the canary of a plugin into service, and tells how the plugin stands then.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed.
    pub async fn promote(&self, name: &Name) -> Result<PluginStatus, ActError> {
        let candidate = self.plugins.candidate(name);
        let canary = candidate.filter(|it| {
            let is_canary = matches!(it.trial, Trial::Canary { .. });
            it.ended.is_none() && is_canary
        });
        let Some(canary) = canary else {
            let why = "no canary of it is under way: begin one first";
            return Err(ActError::Refused(why.to_owned()));
        };
        let version = canary.version;
        let status = self.act(name, Action::Promote { version }).await?;
        self.plugins.end_trial(name, Ended::Promoted);
        Ok(status)
    }

    /// Ends the trial of a version: the running one handles everything.
    ///
    /// # Errors
    /// [`ActError::Refused`] if none is under way.
    pub fn end_trial(&self, name: &Name) -> Result<Candidate, ActError> {
        let ended = self.plugins.end_trial(name, Ended::Stopped);
        let candidate = self.plugins.candidate(name).filter(|_| ended);
        candidate.ok_or_else(|| {
            ActError::Refused("no version of it is on trial: there is nothing to end".to_owned())
        })
    }
}

/// Promotes the canary that began then, once its window is over.
async fn ends<P: Plugins + Candidates, S: Serving>(
    supervisor: Arc<Supervisor<P, S>>,
    name: Name,
    since: Millis,
    window: Duration,
) {
    tokio::time::sleep(window).await;
    let candidate = supervisor.plugins.candidate(&name);
    let Some(candidate) = candidate.filter(|it| it.since == since && it.ended.is_none()) else {
        return;
    };
    let version = candidate.version.clone();
    if !candidate.is_to_be_promoted() {
        tracing::warn!(plugin = %name, version, "the canary had too few messages: promote or abort it");
    } else if let Err(error) = supervisor.promote(&name).await {
        tracing::error!(plugin = %name, version, %error, "the canary could not be promoted");
    }
}
