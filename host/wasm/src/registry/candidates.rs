//! The `Candidates` port: versions on trial, one of a plugin at a time.
//!
//! Of a trial only the version is written down: after a restart the running version serves alone.

use std::sync::Arc;

use wasmill_model::{Name, Routes};
use wasmill_port::candidate::{Candidate as Status, Candidates, Ended, Plan};
use wasmill_port::plugins::ActError;

use super::Registry;
use crate::candidate::{Candidate, Promotion};
use crate::instance::Unstarted;

impl Candidates for Registry {
    async fn try_version(
        &self,
        plugin: &Name,
        version: &str,
        plan: Plan,
    ) -> Result<Status, ActError> {
        let refused = |why: &str| Err(ActError::Refused(why.to_owned()));
        let mut record = self.record(plugin).await?;
        if record.kept().is_empty() {
            return Err(ActError::Unknown(plugin.clone()));
        }
        let kept = record.named(version)?.clone();
        record.check_trial(&kept)?;
        // It handles messages like one that serves.
        let signed = kept.check_signature(plugin, &self.in_force().signatures);
        signed.map_err(ActError::Refused)?;
        let Some(running) = self.version(plugin) else {
            return refused("the plugin is not in service: nothing could be compared");
        };
        if running == kept.hash {
            return refused("that version serves already");
        }
        let earlier = Candidates::candidate(self, plugin);
        if earlier.is_some_and(|earlier| earlier.ended.is_none()) {
            return refused("a version of it is on trial: promote or abort that first");
        }
        let loaded = self.load_kept(plugin, &kept.hash).await;
        let loaded = Arc::new(loaded.map_err(ActError::Refused)?);
        let (version, settings) = (loaded.version.clone(), self.routes().plugin(plugin));
        let trials = Arc::downgrade(&self.trials);
        let candidate = Candidate::new(&self.host, trials, &running, version, &settings, plan);
        // What does not start would fail with each message.
        let started = candidate.start().await;
        let unfit = |it: Unstarted| format!("it does not start: {}", it.fault.0);
        started.map_err(|it| ActError::Refused(unfit(it)))?;
        record.try_out(&kept);
        let saved = self.save(plugin, record, vec![loaded.clone()]).await;
        saved.map_err(ActError::Storage)?;

        let routes = self.routes();
        // Other routes may have come into force since. Under the lock: a change of the routes finds the
        // candidate, or the candidate finds it, be it of settings or of who must have signed it.
        let signed = kept.check_signature(plugin, &routes.signatures);
        signed.map_err(ActError::Refused)?;
        candidate.renew(&self.host, &routes.plugin(plugin));
        let status = candidate.status();
        self.trials.begin(candidate);
        Ok(status)
    }

    fn candidate(&self, plugin: &str) -> Option<Status> {
        let candidate = self.trials.last(plugin)?;
        Some(candidate.status())
    }

    fn end_trial(&self, plugin: &str, ended: Ended) -> bool {
        let candidate = self.trials.last(plugin);
        candidate.is_some_and(|candidate| candidate.end(ended))
    }
}

impl Registry {
    /// Claims the canary of `plugin`, to put it into service.
    ///
    /// # Errors
    /// [`ActError::Refused`] if its trial is over.
    pub(super) fn claim_canary(&self, plugin: &Name, version: &str) -> Result<Promotion, ActError> {
        let candidate = self.trials.last(plugin);
        let claimed = candidate.and_then(|candidate| candidate.promote(version));
        claimed.ok_or_else(|| {
            ActError::Refused(format!("version {version} is no canary that is under way"))
        })
    }

    /// Ends the trials of versions that no key in force has signed, if they must be.
    pub(super) fn end_unsigned(&self, routes: &Routes) {
        for (name, candidate) in &*self.trials.under_way() {
            let Ok(record) = self.host.versions.of(name) else {
                continue;
            };
            let kept = record.find(&candidate.status().version);
            let signed = kept.map(|kept| kept.check_signature(name, &routes.signatures));
            if let Some(Err(why)) = signed {
                candidate.end(Ended::Broken(why));
            }
        }
    }

    /// The version of `plugin` whose trial was the last one, if its figures ended it.
    pub(super) fn rolled_back(&self, plugin: &str) -> Option<String> {
        let status = self.trials.last(plugin)?.status();
        matches!(status.ended, Some(Ended::RolledBack(_))).then_some(status.version)
    }
}
