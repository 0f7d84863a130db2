//! The `Plugins` port: which version serves, as files come and go and operators act.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmill_model::Name;
use wasmill_model::routes::{Grants, Routes};
use wasmill_port::Plugins;
use wasmill_port::plugins::{ActError, Action, File, Installed, Rejected, Standing};

use super::Registry;
use super::force::Failed;
use super::load::{blocking, content_hash};
use crate::versions::{Came, Hold, Judged, Kept, Known, Record, Unreadable};

/// Longest name of a plugin; it is the name of files.
const NAME_BYTES_MAX: usize = 64;

impl Plugins for Registry {
    async fn install(&self, name: &Name, file: File<'_>) -> Result<Installed, Rejected> {
        let reject = |reason: String| rejected(name, Failed::Version(reason));
        check_name(name).map_err(reject)?;
        let bytes = file.component.to_vec();
        let (hash, bytes) = blocking(move || (content_hash(&bytes), bytes)).await;
        let routes = self.in_force();
        let record = self.record(name).await;
        let mut record = record.map_err(|unreadable| rejected(name, unreadable))?;
        let now = self.host.clock.now();
        let known = record.find(&hash).cloned();
        let mut version = known.unwrap_or_else(|| Kept::new(hash.clone(), bytes.len(), now));
        // Before it is compiled: what is not signed is not looked into.
        let taken = file
            .signature
            .map(|file| version.take_signature(file, &routes.signatures));
        let checked = version.check_signature(name, &routes.signatures);
        if self.version(name).as_ref() == Some(&hash) {
            // It serves, and a signature that came for the next one says nothing of it.
            record.arrive(version);
            let put = self.put(name, record, None).await;
            put.map_err(|failed| rejected(name, failed))?;
            let mended = self.mend(hash, bytes).await;
            mended.map_err(|failed| rejected(name, failed))?;
            return Ok(self.installed(name, false));
        }
        checked.map_err(|missing| match taken {
            Some(Err(why)) => reject(format!("{name}.wasm.sig is of no use: {why}; {missing}")),
            _ => reject(missing),
        })?;
        let loaded = self.load(name, hash.clone(), bytes).await;
        let loaded = loaded.map_err(reject)?;
        version.learn(loaded.about.clone());
        record.arrive(version.clone());
        let loaded = Arc::new(loaded);
        match record.judge(&version, &self.grants(name)) {
            Judged::Refuse(why) => return Err(reject(why)),
            // The version before goes on serving, or does so again.
            Judged::Hold(Hold::Pinned(pinned)) if record.current().is_none() => {
                record.serve(&pinned, Came::Pin, now);
            }
            Judged::Hold(_) => {}
            Judged::Serve if record.current().is_some_and(|it| it.hash == hash) => {}
            Judged::Serve => {
                let came = came(&record, &hash);
                record.serve(&hash, came, now);
            }
        }
        let put = self.put(name, record, Some(loaded)).await;
        let changed = put.map_err(|failed| rejected(name, failed))?;
        Ok(self.installed(name, changed))
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
        if let Ok(mut record) = self.record(name).await {
            record.remove();
            self.note(name, record, Vec::new()).await;
        }
        let _routes = self.routes();
        self.replace(name, None);
        self.chosen.forget(name);
        self.host.meters.forget(name);
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

    fn unwritten(&self) -> Vec<Name> {
        let all = self.host.versions.all().into_iter();
        all.filter(|(_, known)| matches!(known, Known::Unwritten(..)))
            .map(|(name, _)| name)
            .collect()
    }

    async fn write(&self, name: &Name) {
        if let Known::Unwritten(record, _) = self.host.versions.known(name) {
            self.note(name, Record::clone(&record), Vec::new()).await;
        }
    }

    fn serving(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.serving.load().keys().cloned().collect();
        names.sort_unstable();
        names
    }

    fn standings(&self) -> Vec<(Name, Standing)> {
        let all = self.host.versions.all().into_iter();
        all.map(|(name, known)| {
            let standing = self.stands(&name, &known);
            (name, standing)
        })
        .collect()
    }

    fn standing(&self, name: &str) -> Option<Standing> {
        let standing = self.stands(name, &self.host.versions.known(name));
        let is_known = !standing.versions.is_empty() || standing.fault.is_some();
        is_known.then_some(standing)
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

    fn grants(&self, name: &str) -> Grants {
        self.in_force().plugin(name).grants.clone()
    }

    pub(super) fn in_force(&self) -> Arc<Routes> {
        self.routes().clone()
    }
}

fn rejected(plugin: &Name, failed: impl Into<Failed>) -> Rejected {
    let (reason, waits) = match failed.into() {
        Failed::Version(why) => (why, false),
        Failed::Storage(why) => (why, true),
    };
    Rejected {
        plugin: plugin.clone(),
        reason,
        waits,
    }
}

/// How a version of the file comes into service.
fn came(record: &Record, hash: &str) -> Came {
    match record.is_approved(hash) {
        true => Came::Approve,
        false => Came::File,
    }
}

/// A plugin's name is the name of files and directories.
fn check_name(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.starts_with('.');
    if fits && name.chars().all(plain) {
        return Ok(());
    }
    Err(format!(
        "a plugin's name has 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` and `.`, and does not \
         begin with a dot"
    ))
}
