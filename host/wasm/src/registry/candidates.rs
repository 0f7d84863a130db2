//! The `Candidates` port: versions on trial, one of a plugin at a time.
//!
//! Nothing of a trial is written down: after a restart the running version serves alone.

use std::collections::HashMap;
use std::sync::Arc;

use wasmill_model::Name;
use wasmill_port::candidate::{Candidate as Status, Candidates, Ended, Plan};
use wasmill_port::plugins::ActError;

use super::Registry;
use crate::candidate::Candidate;

impl Candidates for Registry {
    async fn try_version(
        &self,
        plugin: &Name,
        version: &str,
        plan: Plan,
    ) -> Result<Status, ActError> {
        let refused = |why: String| Err(ActError::Refused(why));
        let record = self.host.versions.of(plugin);
        if record.kept().is_empty() {
            return Err(ActError::Unknown(plugin.clone()));
        }
        let kept = record.named(version)?;
        record.check_trial(kept)?;
        let Some(running) = self.find(plugin) else {
            return refused("the plugin is not in service: nothing could be compared".to_owned());
        };
        if running.version.hash == kept.hash {
            return refused("that version serves already".to_owned());
        }
        let earlier = Candidates::candidate(self, plugin);
        if earlier.is_some_and(|earlier| earlier.ended.is_none()) {
            return refused("a version of it is on trial: promote or abort that first".to_owned());
        }
        let loaded = self.load_kept(plugin, &kept.hash).await;
        let version = loaded.map_err(ActError::Refused)?.version;
        // What does not start would fail with each message.
        let tried = self.trial(&version).await.map_err(ActError::Refused)?;
        drop(tried);
        let candidate = Candidate::new(&self.host, &running, version, plan);
        let status = candidate.status(Some(&running.version.hash));
        let _routes = self.routes();
        self.set_candidate(plugin, Some(candidate));
        Ok(status)
    }

    fn candidate(&self, plugin: &str) -> Option<Status> {
        let serves = self.version(plugin);
        let candidate = Registry::candidate(self, plugin)?;
        Some(candidate.status(serves.as_deref()))
    }

    fn end_trial(&self, plugin: &str, ended: Ended) -> bool {
        let candidate = Registry::candidate(self, plugin);
        candidate.is_some_and(|candidate| candidate.end(ended))
    }
}

impl Registry {
    /// Replaces what is on trial; the caller holds the lock of `routes`.
    pub(super) fn set_candidate(&self, plugin: &Name, candidate: Option<Candidate>) {
        let mut next = HashMap::clone(&self.candidates.load());
        match candidate {
            Some(candidate) => next.insert(plugin.clone(), Arc::new(candidate)),
            None => next.remove(plugin),
        };
        self.candidates.store(Arc::new(next));
    }
}
