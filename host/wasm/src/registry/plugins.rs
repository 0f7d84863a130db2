//! The `Plugins` port: which version serves, as files come and go and operators act.
//!
//! Whatever changes goes one way: a changed copy of the plugin's record, the version loaded and
//! started that it wants in service, the record on disk, and only then the swap. So a version never
//! serves that the record does not name, and a kill in between leaves the old or the new, whole.

use std::io;
use std::sync::Arc;

use wasmill_model::Name;
use wasmill_model::routes::{Grants, Routes};
use wasmill_port::Plugins;
use wasmill_port::plugins::{ActError, Action, File, Installed, Rejected, Standing};

use super::Registry;
use super::load::{Loaded, blocking, content_hash};
use crate::versions::{Came, Hold, Judged, Kept, Record};

/// Longest name of a plugin; it is the name of files.
const NAME_BYTES_MAX: usize = 64;

/// Why a record did not come into force.
enum Failed {
    /// The version that it wants in service cannot serve.
    Version(String),
    /// It could not be written.
    Storage(String),
}

impl Plugins for Registry {
    async fn install(&self, name: &Name, file: File<'_>) -> Result<Installed, Rejected> {
        let reject = |reason: String| rejected(name, reason);
        check_name(name).map_err(reject)?;
        let bytes = file.component.to_vec();
        let (hash, bytes) = blocking(move || (content_hash(&bytes), bytes)).await;
        let routes = self.in_force();
        let mut record = Record::clone(&self.host.versions.of(name));
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
            put.map_err(|failed| reject(failed.into()))?;
            self.mend(name, hash, bytes).await;
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
        let changed = put.map_err(|failed| reject(failed.into()))?;
        Ok(self.installed(name, changed))
    }

    async fn dismiss(&self, name: &Name) {
        let mut record = Record::clone(&self.host.versions.of(name));
        record.dismiss();
        if let Err(error) = self.save(name, record, Vec::new()).await {
            tracing::warn!(plugin = %name, error, "what waited before the refused file still does");
        }
    }

    async fn restore(&self, name: &Name) -> Result<Installed, Rejected> {
        let mut record = Record::clone(&self.host.versions.of(name));
        let Some(hash) = record.current().map(|version| version.hash.clone()) else {
            let why = "no version of it is kept that could be restored";
            return Err(rejected(name, why.to_owned()));
        };
        record.serve(&hash, Came::Restore, self.host.clock.now());
        let changed = self.put(name, record, None).await;
        let changed = changed.map_err(|failed| rejected(name, failed))?;
        Ok(self.installed(name, changed))
    }

    async fn remove(&self, name: &Name) {
        let mut record = Record::clone(&self.host.versions.of(name));
        record.remove();
        if let Err(error) = self.save(name, record, Vec::new()).await {
            tracing::warn!(plugin = %name, error, "the removed plugin's record is as it was");
        }
        let _routes = self.routes();
        self.replace(name, None);
        self.host.meters.forget(name);
    }

    async fn act(&self, name: &Name, action: Action) -> Result<bool, ActError> {
        let mut record = Record::clone(&self.host.versions.of(name));
        if record.kept().is_empty() {
            return Err(ActError::Unknown(name.clone()));
        }
        let (now, grants) = (self.host.clock.now(), self.grants(name));
        let mut promotion = None;
        // What is held may come in by these.
        let lets_in = matches!(action, Action::Unpin | Action::Approve { .. });
        match action {
            Action::Rollback { version } => record.roll_back(version.as_deref(), now)?,
            Action::Pin { version } => record.pin(version.as_deref(), now)?,
            Action::Unpin => {
                record.unpin()?;
                // Or the file of a canary that failed would come in for all keys.
                if let Some(failed) = self.rolled_back(name) {
                    record.withdraw(&failed);
                }
            }
            Action::Approve { version } => record.approve(&version, &grants)?,
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
        let mut record = Record::clone(&self.host.versions.of(name));
        if !self.let_in(name, &mut record, &self.grants(name)) {
            return Ok(None);
        }
        let put = self.put(name, record, None).await;
        put.map_err(|failed| rejected(name, failed))?;
        Ok(self.version(name))
    }

    fn serving(&self) -> Vec<Name> {
        let mut names: Vec<Name> = self.serving.load().keys().cloned().collect();
        names.sort_unstable();
        names
    }

    fn standings(&self) -> Vec<(Name, Standing)> {
        let all = self.host.versions.all().into_iter();
        all.map(|(name, record)| {
            let standing = self.stands(&name, &record);
            (name, standing)
        })
        .collect()
    }

    fn standing(&self, name: &str) -> Option<Standing> {
        let record = self.host.versions.of(name);
        (!record.kept().is_empty()).then(|| self.stands(name, &record))
    }
}

impl Registry {
    /// Puts a changed record in force, and into service what it wants there. `arrived` is what the
    /// record names and is not kept yet. True if another version serves now.
    async fn put(
        &self,
        name: &Name,
        record: Record,
        arrived: Option<Arc<Loaded>>,
    ) -> Result<bool, Failed> {
        let (mut keep, mut tried) = (Vec::from_iter(arrived), None);
        let serves = self.version(name);
        let current = record.current();
        if let Some(current) = current.filter(|it| serves.as_ref() != Some(&it.hash)) {
            let hash = &current.hash;
            let here = keep.iter().find(|loaded| loaded.version.hash == *hash);
            let here = here.cloned();
            // If the plugin is disabled, this is still the time to say that a new file cannot serve.
            if here.is_some() || !record.is_disabled() {
                let signed = current.check_signature(name, &self.in_force().signatures);
                signed.map_err(Failed::Version)?;
                let loaded = match here {
                    Some(loaded) => loaded,
                    None => {
                        let loaded = self.load_kept(name, hash).await;
                        let loaded = Arc::new(loaded.map_err(Failed::Version)?);
                        keep.push(loaded.clone());
                        loaded
                    }
                };
                tried = Some(self.trial(&loaded.version).await);
            }
        }
        let tried = tried.transpose().map_err(Failed::Version)?;
        let is_wanted = record.in_service().is_some();
        let saved = self.save(name, record, keep).await;
        saved.map_err(Failed::Storage)?;
        let tried = tried.filter(|_| is_wanted);
        let changed = tried.is_some();
        if let Some(tried) = tried {
            self.swap(tried);
        } else if !is_wanted {
            let _routes = self.routes();
            self.replace(name, None);
        }
        Ok(changed)
    }

    /// Keeps versions, then the record that names them, and drops what no record names any more.
    pub(super) async fn save(
        &self,
        name: &Name,
        record: Record,
        keep: Vec<Arc<Loaded>>,
    ) -> Result<(), String> {
        // In one turn: what is not named yet would be dropped by another plugin's.
        let _turn = self.turn.lock().await;
        let (host, name) = (self.host.clone(), name.clone());
        let saved = blocking(move || {
            keep.iter().try_for_each(|loaded| host.keep(loaded))?;
            host.versions.save(&name, record)?;
            let cleaned = host.versions.clean();
            if let Err(error) = cleaned.and_then(|warm| host.cache.clean(&warm)) {
                tracing::warn!(plugin = %name, %error, "what is not kept any more is still there");
            }
            Ok(())
        });
        let unkept =
            |error: io::Error| format!("it could not be kept in the data directory: {error}");
        saved.await.map_err(unkept)
    }

    /// Keeps a component anew whose kept one was damaged. What serves needs it only at the next start.
    async fn mend(&self, name: &Name, hash: String, bytes: Vec<u8>) {
        let host = self.host.clone();
        if let Err(error) = blocking(move || host.versions.keep(&hash, &bytes)).await {
            tracing::warn!(plugin = %name, %error, "the component is kept as it was");
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
        let record = self.host.versions.of(name);
        Installed {
            version: record
                .current()
                .map(|it| it.hash.clone())
                .unwrap_or_default(),
            changed,
            serving: self.find(name).is_some(),
            held: record.held(&self.grants(name)),
        }
    }

    fn stands(&self, name: &str, record: &Record) -> Standing {
        let serving = self.find(name).is_some();
        record.standing(&self.grants(name), &self.in_force().signatures, serving)
    }

    fn grants(&self, name: &str) -> Grants {
        self.in_force().plugin(name).grants.clone()
    }

    pub(super) fn in_force(&self) -> Arc<Routes> {
        self.routes().clone()
    }
}

impl From<Failed> for ActError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Version(why) => Self::Refused(why),
            Failed::Storage(why) => Self::Storage(why),
        }
    }
}

impl From<Failed> for String {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Version(why) | Failed::Storage(why) => why,
        }
    }
}

fn rejected(plugin: &Name, reason: impl Into<String>) -> Rejected {
    Rejected {
        plugin: plugin.clone(),
        reason: reason.into(),
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
