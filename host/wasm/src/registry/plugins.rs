//! The `Plugins` port: which version serves, as files come and go and operators act.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmill_model::Name;
use wasmill_model::routes::{Grants, Routes};
use wasmill_port::Plugins;
use wasmill_port::plugins::{ActError, Action, File, Installed, Rejected, Remedy, Standing};

use super::force::Failed;
use super::load::blocking;
use super::{Prepared, Registry};
use crate::versions::{Came, Judged, Kept, Known, Record, Unreadable};

impl Plugins for Registry {
    type Prepared = Prepared;

    async fn prepare(&self, name: &Name, file: File<'_>) -> Result<Prepared, Rejected> {
        let prepared = self.prepare_file(name, file).await;
        prepared.map_err(|failed| self.rejected(name, failed))
    }

    async fn take(&self, prepared: Prepared) -> Result<Installed, Rejected> {
        let name = prepared.plugin().clone();
        let changed = self.take_file(prepared).await;
        let changed = changed.map_err(|failed| self.rejected(&name, failed))?;
        Ok(self.installed(&name, changed))
    }

    async fn dismiss(&self, name: &Name) {
        if let Ok(mut record) = self.record(name).await {
            record.dismiss();
            self.note(name, record, Vec::new()).await;
        }
    }

    async fn restore(&self, name: &Name) -> Result<Installed, Rejected> {
        let record = self.record(name).await;
        let mut record = record.map_err(|unreadable| rejected(name, unreadable))?;
        let Some(hash) = record.current().map(|version| version.hash.clone()) else {
            let why = "no version of it is kept that could be restored";
            return Err(rejected(name, Failed::Version(why.to_owned())));
        };
        if !record.is_disabled() {
            record.serve(&hash, Came::Restore, self.host.clock.now());
        }
        let changed = self.put_back(name, record).await;
        let changed = changed.map_err(|failed| rejected(name, failed))?;
        Ok(self.installed(name, changed))
    }

    async fn remove(&self, name: &Name) {
        match self.record(name).await {
            // There is nothing to note.
            Ok(record) if record.kept().is_empty() => {}
            Ok(mut record) => {
                record.remove();
                self.note(name, record, Vec::new()).await;
            }
            Err(_) => self.host.versions.note_removal(name),
        }
        let _routes = self.routes();
        self.replace(name, None);
        self.chosen.forget(name);
        self.host.meters.forget(name);
        self.host.cache.release(name);
    }

    async fn act(&self, name: &Name, action: Action) -> Result<bool, ActError> {
        let mut record = self.record(name).await?;
        if record.kept().is_empty() {
            return Err(ActError::Unknown(name.clone()));
        }
        let (now, grants) = (self.host.clock.now(), self.grants(name));
        let mut promotion = None;
        // What is held may come in by these.
        let lets_in = matches!(action, Action::Unpin | Action::Approve { .. });
        match action {
            Action::Rollback { version } => record.roll_back(version.as_deref(), now)?,
            Action::Pin { version } => {
                record.pin(version.as_deref(), now)?;
                self.check_content(record.pinned()).await?;
            }
            Action::Unpin => {
                record.unpin()?;
                // Or the file of a canary that failed would come in for all keys.
                if let Some(failed) = self.rolled_back(name) {
                    record.withdraw(&failed);
                }
            }
            Action::Approve { version } => {
                record.approve(&version, &grants)?;
                let approved = record.named(&version)?.hash.clone();
                self.check_content(Some(&approved)).await?;
            }
            Action::Promote { version } => {
                record.promote(&version, now)?;
                promotion = Some(self.claim_canary(name, &version)?);
            }
            Action::Disable => record.disable(true)?,
            Action::Enable => record.disable(false)?,
        }
        if lets_in {
            self.let_in(name, &mut record, &grants);
        }
        self.put(name, record, None).await?;
        if let Some(promotion) = promotion {
            promotion.done();
        }
        Ok(self.find(name).is_some())
    }

    async fn reconsider(&self, name: &Name) -> Result<Option<String>, Rejected> {
        let record = self.record(name).await;
        let mut record = record.map_err(|unreadable| rejected(name, unreadable))?;
        if !self.let_in(name, &mut record, &self.grants(name)) {
            return Ok(None);
        }
        let put = self.put(name, record, None).await;
        put.map_err(|failed| rejected(name, failed))?;
        Ok(self.version(name))
    }

    fn behind(&self) -> Vec<Name> {
        let all = self.host.versions.all().into_iter();
        all.filter(|(_, known)| !matches!(known, Known::Written(_)))
            .map(|(name, _)| name)
            .collect()
    }

    async fn catch_up(&self, name: &Name) {
        // What was put back as it is to be is not written, and versions are dropped again.
        if let Ok(record) = self.record(name).await {
            self.note(name, record, Vec::new()).await;
        }
    }

    fn serving(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.serving.load().keys().cloned().collect();
        names.sort_unstable();
        names
    }

    fn standings(&self) -> Vec<(Name, Standing)> {
        let all = self.host.versions.all().into_iter();
        let stands = all.map(|(name, known)| {
            let standing = self.stands(&name, &known);
            (name, standing)
        });
        stands.filter(|(_, standing)| is_known(standing)).collect()
    }

    fn standing(&self, name: &str) -> Option<Standing> {
        let standing = self.stands(name, &self.host.versions.known(name));
        is_known(&standing).then_some(standing)
    }

    async fn damages(&self, name: &Name) -> BTreeMap<String, String> {
        let Ok(record) = self.host.versions.of(name) else {
            return BTreeMap::new();
        };
        let mut damages = BTreeMap::new();
        for Kept { hash, .. } in record.kept() {
            if let Some(why) = self.damage(hash).await {
                damages.insert(hash.clone(), why);
            }
        }
        damages
    }
}

impl Registry {
    /// The record of a plugin, to be changed.
    ///
    /// # Errors
    /// [`Unreadable`], if that is still so.
    pub(super) async fn record(&self, name: &Name) -> Result<Record, Unreadable> {
        let (host, plugin) = (self.host.clone(), name.clone());
        blocking(move || host.versions.look_again(&plugin)).await;
        Ok(Record::clone(&*self.host.versions.of(name)?))
    }

    /// A plugin's file is not taken. Unless it waits, nothing needs its code any more.
    fn rejected(&self, name: &Name, failed: Failed) -> Rejected {
        if !matches!(failed, Failed::Storage(_)) {
            self.host.cache.release(name);
        }
        rejected(name, failed)
    }

    /// Whether the content of a version is there that an operator chose.
    async fn check_content(&self, hash: Option<&str>) -> Result<(), ActError> {
        match hash {
            Some(hash) => self
                .content(hash)
                .await
                .map(drop)
                .map_err(ActError::Refused),
            None => Ok(()),
        }
    }

    /// Lets the version of the file in if nothing speaks against it any more. True if it did.
    fn let_in(&self, name: &str, record: &mut Record, grants: &Grants) -> bool {
        let waiting = record.waiting();
        let routes = self.in_force();
        let waiting = waiting.filter(|it| {
            let signed = it.check_signature(name, &routes.signatures);
            signed.is_ok() && record.judge(it, grants) == Judged::Serve
        });
        let Some(hash) = waiting.map(|version| version.hash.clone()) else {
            return false;
        };
        let came = came(record, &hash);
        record.serve(&hash, came, self.host.clock.now());
        true
    }

    fn installed(&self, name: &Name, changed: bool) -> Installed {
        let Standing {
            current,
            serving,
            held,
            ..
        } = self.stands(name, &self.host.versions.known(name));
        Installed {
            version: current.unwrap_or_default(),
            changed,
            serving,
            held,
        }
    }

    fn stands(&self, name: &str, known: &Known) -> Standing {
        let fault = known.fault();
        let Ok(record) = known.record() else {
            return Standing {
                fault,
                ..Standing::default()
            };
        };
        let serving = self.find(name);
        let handled = serving.as_ref().map(|it| it.version.meter.handled());
        Standing {
            fault,
            handled: handled.unwrap_or_default(),
            ..record.standing(
                &self.grants(name),
                &self.in_force().signatures,
                serving.is_some(),
            )
        }
    }

    pub(super) fn grants(&self, name: &str) -> Grants {
        self.in_force().plugin(name).grants.clone()
    }

    pub(super) fn in_force(&self) -> Arc<Routes> {
        self.routes().clone()
    }
}

/// Whether there is something of a plugin.
fn is_known(standing: &Standing) -> bool {
    !standing.versions.is_empty() || standing.fault.is_some()
}

fn rejected(plugin: &Name, failed: impl Into<Failed>) -> Rejected {
    let (reason, remedy) = match failed.into() {
        Failed::Version(why) => (why, Remedy::File),
        Failed::Unsigned(why) => (why, Remedy::Routes),
        Failed::Storage(why) => (why, Remedy::Storage),
    };
    Rejected {
        plugin: plugin.clone(),
        reason,
        remedy,
    }
}

/// How a version of the file comes into service.
pub(super) fn came(record: &Record, hash: &str) -> Came {
    match record.is_approved(hash) {
        true => Came::Approve,
        false => Came::File,
    }
}
