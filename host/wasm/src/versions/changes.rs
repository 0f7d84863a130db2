//! What becomes of a record as files come and go and operators act. A change that is refused may have
//! begun: who asks for one works on a copy.

use std::collections::BTreeSet;

use wasmill_component::Capabilities;
use wasmill_model::Millis;
use wasmill_model::routes::Grants;
use wasmill_port::plugins::ActError;

use super::record::{Came, Judged, Kept, Record};

/// Most versions that are kept of a plugin.
const VERSIONS_MAX: usize = 10;

impl Record {
    /// A file came: its version is kept from here on.
    pub(crate) fn arrive(&mut self, version: Kept) {
        if self.withdrawn.as_ref() != Some(&version.hash) {
            self.withdrawn = None;
        }
        self.file = Some(version.hash.clone());
        match self.versions.iter_mut().find(|it| it.hash == version.hash) {
            None => self.versions.push(version),
            Some(known) => *known = version,
        }
        self.trim();
    }

    /// What lies there now cannot serve: nothing waits. What was rolled back from stays so until another
    /// content arrives.
    pub(crate) fn dismiss(&mut self) {
        self.file = None;
    }

    /// Puts a version into service that is kept.
    pub(crate) fn serve(&mut self, hash: &str, came: Came, now: Millis) {
        let Some(version) = self.versions.iter_mut().find(|it| it.hash == hash) else {
            return;
        };
        (version.came, version.served_at) = (came, Some(now));
        let state_version = version.state_version();
        self.state_version = self.state_version.max(Some(state_version));
        self.removed = false;
        if self.withdrawn.as_deref() == Some(hash) {
            self.withdrawn = None;
        }
        if self.trail.last().is_none_or(|last| last != hash) {
            self.trail.push(hash.to_owned());
        }
        self.trim();
    }

    /// Goes back from the version that serves. What lies there comes in only after another content, be it
    /// that version or one that was held: what it is judged by may be gone with the version.
    ///
    /// # Errors
    /// [`ActError`] if there is none to go back to, or it must not serve.
    pub(crate) fn roll_back(&mut self, to: Option<&str>, now: Millis) -> Result<(), ActError> {
        let refused = |why: &str| ActError::Refused(why.to_owned());
        self.check_present()?;
        let from = self.current().map(|version| version.hash.clone());
        let target = match to {
            Some(to) => self.named(to)?,
            None => self.previous().ok_or_else(|| {
                refused("no version has served before this one: name another one that is kept")
            })?,
        };
        if from.as_ref() == Some(&target.hash) {
            return Err(refused("that version serves already"));
        }
        if let Some(pinned) = self
            .pinned
            .as_ref()
            .filter(|pinned| **pinned != target.hash)
        {
            let why = format!("the plugin is pinned to version {pinned}: unpin it first");
            return Err(ActError::Refused(why));
        }
        self.check_chosen(target)?;
        let target = target.hash.clone();
        self.withdraw_unless(&target);
        // To one that is not on the way back it is a step forward, and back leads here again.
        if let Some(place) = self.trail.iter().rposition(|hash| *hash == target) {
            self.trail.truncate(place + 1);
        }
        self.serve(&target, Came::Rollback, now);
        Ok(())
    }

    /// Holds a version: the one that serves if none is named.
    ///
    /// # Errors
    /// [`ActError`] if there is no such version, or it must not serve.
    pub(crate) fn pin(&mut self, version: Option<&str>, now: Millis) -> Result<(), ActError> {
        let version = match version {
            Some(hash) => self.named(hash)?,
            None => self.current().ok_or_else(|| {
                ActError::Refused("no version serves: name one, or put its file back".to_owned())
            })?,
        };
        self.check_chosen(version)?;
        let hash = version.hash.clone();
        self.pinned = Some(hash.clone());
        if !self.removed && self.current().is_none_or(|current| current.hash != hash) {
            self.serve(&hash, Came::Pin, now);
        }
        Ok(())
    }

    /// Ends a pin.
    ///
    /// # Errors
    /// [`ActError::Refused`] if there is none.
    pub(crate) fn unpin(&mut self) -> Result<(), ActError> {
        match self.pinned.take() {
            Some(_) => Ok(()),
            None => Err(ActError::Refused("the plugin is not pinned".to_owned())),
        }
    }

    /// Lets a version in whatever it asks for.
    ///
    /// # Errors
    /// [`ActError`] if there is no such version, or it needs no approval.
    pub(crate) fn approve(&mut self, version: &str, grants: &Grants) -> Result<(), ActError> {
        let version = self.named(version)?;
        // What is pinned or went back besides may be approved all the same.
        let unbound = Self {
            pinned: None,
            withdrawn: None,
            ..self.clone()
        };
        match unbound.judge(version, grants) {
            Judged::Hold(_) => {}
            Judged::Refuse(why) => return Err(ActError::Refused(why)),
            // By its file it would come in; an operator who chooses it may need it approved.
            Judged::Serve if self.check_chosen(version).is_err() => {}
            Judged::Serve => {
                let why = "it asks for nothing that needs approval: see the plugin's history";
                return Err(ActError::Refused(why.to_owned()));
            }
        }
        self.approved.insert(version.hash.clone());
        Ok(())
    }

    /// Takes the plugin out of service, or puts it back.
    ///
    /// # Errors
    /// [`ActError::Refused`] if that is so already.
    pub(crate) fn disable(&mut self, disabled: bool) -> Result<(), ActError> {
        if std::mem::replace(&mut self.disabled, disabled) != disabled {
            return Ok(());
        }
        let already = match disabled {
            true => "the plugin is disabled already",
            false => "the plugin is not disabled",
        };
        Err(ActError::Refused(already.to_owned()))
    }

    /// The file is gone. The next one is a new beginning, whatever it is.
    pub(crate) fn remove(&mut self) {
        (self.removed, self.file, self.withdrawn) = (true, None, None);
    }

    /// Whether there is a file, without which nothing serves.
    pub(super) fn check_present(&self) -> Result<(), ActError> {
        match self.is_removed() {
            false => Ok(()),
            true => Err(ActError::Refused(
                "its file is gone: put one back into the plugins directory".to_owned(),
            )),
        }
    }

    /// Keeps a version out by its file, until another content comes.
    pub(crate) fn withdraw(&mut self, hash: &str) {
        if self.file.as_deref() == Some(hash) {
            self.withdrawn = Some(hash.to_owned());
        }
    }

    /// Keeps the file's content out, unless it is this one, until another comes; where the file was
    /// refused, that of the version that serves, which may lie there again.
    pub(super) fn withdraw_unless(&mut self, hash: &str) {
        let serves = || self.current().map(|version| version.hash.clone());
        let lies = self.file.clone().or_else(serves);
        if let Some(lies) = lies.filter(|lies| lies != hash) {
            self.withdrawn = Some(lies);
        }
    }

    /// Whether an operator may choose a version.
    pub(super) fn check_chosen(&self, version: &Kept) -> Result<(), ActError> {
        self.check_state(version).map_err(ActError::Refused)?;
        if version.served_at.is_some() || self.approved.contains(&version.hash) {
            return Ok(());
        }
        match &version.manifest {
            Some(manifest) if manifest.capabilities != Capabilities::default() => {
                let why = "it has never served, and asks for capabilities: approve it first";
                Err(ActError::Refused(why.to_owned()))
            }
            None if self.lost_manifest(version) => {
                let why = "it has never served, and has no manifest, unlike the version that did \
                           last: approve it first";
                Err(ActError::Refused(why.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Drops the oldest versions beyond the bound, but none that may be wanted at once.
    fn trim(&mut self) {
        while self.versions.len() > VERSIONS_MAX {
            let warm: BTreeSet<&str> = self.warm().collect();
            let spare = self.versions.iter().enumerate();
            let spare = spare.filter(|(_, it)| !warm.contains(it.hash.as_str()));
            let oldest = spare.min_by_key(|(_, it)| it.served_at.max(Some(it.installed_at)));
            let Some((oldest, _)) = oldest else { break };
            self.versions.remove(oldest);
        }
        let versions = &self.versions;
        let is_kept = |hash: &String| versions.iter().any(|it| it.hash == *hash);
        self.trail.retain(is_kept);
        self.trail.dedup();
        self.approved.retain(is_kept);
    }
}
