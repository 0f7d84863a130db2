//! Versions on trial: begun and ended by operators, and promoted when their window is over.

use std::sync::Arc;
use std::time::Duration;

use wasmill_model::{Millis, Name};
use wasmill_port::Plugins;
use wasmill_port::candidate::{Candidate, Candidates, Ended, Plan, Trial};
use wasmill_port::plugins::{ActError, Action};

use super::{PluginStatus, Serving, Supervisor, to_its_end};

impl<P: Plugins + Candidates, S: Serving> Supervisor<P, S> {
    /// Tries a version beside the one that serves. A canary that is to be promoted will be, when its
    /// window is over and it held.
    ///
    /// # Errors
    /// [`ActError`]; nothing has changed.
    pub async fn try_version(
        self: Arc<Self>,
        name: Name,
        version: String,
        plan: Plan,
    ) -> Result<Candidate, ActError> {
        self.check_known(&name)?;
        to_its_end(async move {
            let turn = self.turns.take(&name).await;
            let candidate = self.plugins.try_version(&name, &version, plan).await?;
            drop(turn);
            tracing::info!(plugin = %name, version = candidate.version, "a version is on trial");
            if let Trial::Canary { plan, .. } = &candidate.trial
                && plan.promote
            {
                tokio::spawn(ends(self, name, candidate.since, plan.window));
            }
            Ok(candidate)
        })
        .await
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
    pub async fn promote(self: Arc<Self>, name: Name) -> Result<PluginStatus, ActError> {
        self.check_known(&name)?;
        to_its_end(async move {
            // Before the canary is looked at: what has the turn may take long, and end the trial.
            let _turn = self.turns.take(&name).await;
            let Some(canary) = self.canary(&name) else {
                let why = "no canary of it is under way: begin one first";
                return Err(ActError::Refused(why.to_owned()));
            };
            let version = canary.version;
            let promote = Action::Promote { version };
            let status = self.act_in_turn(&name, &promote).await?;
            tracing::info!(plugin = %name, action = %promote, "an operator acted");
            Ok(status)
        })
        .await
    }

    /// The canary of a plugin that is under way.
    fn canary(&self, name: &str) -> Option<Candidate> {
        self.plugins.candidate(name).filter(|it| {
            let is_canary = matches!(it.trial, Trial::Canary { .. });
            it.ended.is_none() && is_canary
        })
    }

    /// Ends the trial of a version: the running one handles everything.
    ///
    /// # Errors
    /// [`ActError::Refused`] if none is under way.
    pub fn end_trial(&self, name: &Name) -> Result<Candidate, ActError> {
        let ended = self.plugins.end_trial(name, Ended::Stopped);
        let candidate = self.plugins.candidate(name).filter(|_| ended);
        candidate.ok_or_else(|| {
            ActError::Refused(
                "no version of it is on trial, or it is being promoted: there is nothing to end"
                    .to_owned(),
            )
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
    let _turn = supervisor.turns.take(&name).await;
    let canary = supervisor.canary(&name).filter(|it| it.since == since);
    let Some(canary) = canary else { return };
    let is_to_be = canary.is_to_be_promoted();
    let version = canary.version;
    if !is_to_be {
        tracing::warn!(plugin = %name, version, "the canary had too few messages: promote or abort it");
        return;
    }
    let promote = Action::Promote {
        version: version.clone(),
    };
    match supervisor.act_in_turn(&name, &promote).await {
        Ok(_) => tracing::info!(plugin = %name, version, "the canary held: it was promoted"),
        Err(error) => {
            tracing::error!(plugin = %name, version, %error, "the canary could not be promoted: it goes on");
        }
    }
}
