//! What is kept of a plugin, and what is to serve: plain data, and what becomes of it.

mod trial;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wasmill_component::{Capabilities, Manifest};
use wasmill_model::Millis;
use wasmill_model::routes::Grants;
use wasmill_port::plugins::ActError;

use super::preflight;

/// Most versions that are kept of a plugin.
const VERSIONS_MAX: usize = 10;
/// Fewest digits that name a version.
const HASH_DIGITS_MIN: usize = 8;

/// The record of a plugin. On disk as JSON: fields may come, with a default, and never change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// Kept versions, in the order in which their files first came.
    versions: Vec<Kept>,
    /// Versions in the order in which they were put into service; a rollback takes the last away.
    trail: Vec<String>,
    /// The content of the file that was judged last.
    file: Option<String>,
    /// The file's content, if it was rolled back from: it is let in only after another one.
    withdrawn: Option<String>,
    /// The version that serves whatever the file is.
    pinned: Option<String>,
    /// Versions that were let in whatever they ask for.
    approved: BTreeSet<String>,
    /// The file went, and none was let in since: nothing serves.
    removed: bool,
    /// An operator took the plugin out of service.
    disabled: bool,
    /// The highest version of a state's schema that has served: none if nothing has.
    state_version: Option<u32>,
}

/// A version that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) hash: String,
    pub(crate) size: u64,
    /// Without what only matters when it is built.
    pub(crate) manifest: Option<Manifest>,
    /// Whether it exports `migrate`.
    #[serde(default)]
    pub(crate) migrates: bool,
    /// The signature that came with it.
    #[serde(default)]
    pub(crate) signature: Option<String>,
    pub(crate) installed_at: Millis,
    pub(crate) served_at: Option<Millis>,
    pub(crate) came: Came,
}

/// What a component says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) manifest: Option<Manifest>,
    /// Whether it exports `migrate`.
    pub(crate) migrates: bool,
}

/// What put a version into service last, or brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Came {
    File,
    Rollback,
    Approve,
    Pin,
    Restore,
    Promote,
}

/// What is to become of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// It may serve.
    Serve,
    /// It is kept, and another one serves.
    Hold(Hold),
    /// It must not serve: why.
    Refuse(String),
}

/// Why a version is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// An operator holds this one.
    Pinned(String),
    /// An operator went back from it.
    Withdrawn(String),
    /// It asks for more than it may: one text for each thing.
    Asks(Vec<String>),
}

impl Kept {
    /// One whose file came, and of which nothing else is known yet.
    pub(crate) fn new(hash: String, size: usize, installed_at: Millis) -> Self {
        Self {
            hash,
            size: size as u64,
            manifest: None,
            migrates: false,
            signature: None,
            installed_at,
            served_at: None,
            came: Came::File,
        }
    }

    /// Notes what the component says of itself.
    pub(crate) fn learn(&mut self, about: About) {
        self.migrates = about.migrates;
        self.manifest = about.manifest.map(|manifest| Manifest {
            routes: None,
            description: None,
            ..manifest
        });
    }

    /// The version of the schema of its state.
    pub(crate) fn state_version(&self) -> u32 {
        self.manifest.as_ref().map_or(1, |it| it.state_version)
    }
}

impl Record {
    /// A plugin of which one version serves.
    pub(super) fn of_one(version: Kept, at: Millis) -> Self {
        let hash = version.hash.clone();
        let mut record = Self::default();
        record.arrive(version);
        record.serve(&hash, Came::File, at);
        record
    }

    pub(crate) fn kept(&self) -> &[Kept] {
        &self.versions
    }

    pub(crate) fn find(&self, hash: &str) -> Option<&Kept> {
        self.versions.iter().find(|version| version.hash == hash)
    }

    /// The version that serves, or would if the plugin were enabled.
    pub(crate) fn current(&self) -> Option<&Kept> {
        let last = self.trail.last().filter(|_| !self.removed)?;
        self.find(last)
    }

    /// The version that is to be in service.
    pub(crate) fn in_service(&self) -> Option<&Kept> {
        self.current().filter(|_| !self.disabled)
    }

    /// The version that one step back leads to.
    pub(crate) fn previous(&self) -> Option<&Kept> {
        let current = self.current().map(|version| &version.hash);
        let mut trail = self.trail.iter().rev();
        self.find(trail.find(|hash| Some(*hash) != current)?)
    }

    /// The version of the file, if it is not the one that is to serve.
    pub(crate) fn waiting(&self) -> Option<&Kept> {
        let file = self.file.as_deref()?;
        let serves = self.current().is_some_and(|current| current.hash == file);
        self.find(file).filter(|_| !serves)
    }

    pub(crate) fn pinned(&self) -> Option<&str> {
        self.pinned.as_deref()
    }

    /// Whether the plugin's file is gone.
    pub(crate) fn is_removed(&self) -> bool {
        self.removed && self.file.is_none()
    }

    /// Whether a version may serve whatever it asks for.
    pub(crate) fn is_approved(&self, hash: &str) -> bool {
        self.approved.contains(hash)
    }

    pub(crate) fn is_disabled(&self) -> bool {
        self.disabled
    }

    pub(crate) fn state_version(&self) -> Option<u32> {
        self.state_version
    }

    /// The versions that may be wanted at once.
    pub(crate) fn warm(&self) -> impl Iterator<Item = &str> {
        let named = [self.current(), self.previous(), self.waiting()];
        let named = named.into_iter().flatten().map(|it| it.hash.as_str());
        named.chain(self.pinned())
    }

    /// The only version that is named so.
    ///
    /// # Errors
    /// [`ActError::NoVersion`] if there is none, or there are several.
    pub(crate) fn named(&self, hash: &str) -> Result<&Kept, ActError> {
        let fits = self.versions.iter().filter(|it| it.hash.starts_with(hash));
        let fits: Vec<_> = fits.collect();
        let why = match fits.as_slice() {
            _ if hash.len() < HASH_DIGITS_MIN => {
                format!("`{hash}` is too short: name {HASH_DIGITS_MIN} or more digits of a version")
            }
            [] => format!("no version `{hash}` is kept: see the plugin's history"),
            [one] => return Ok(one),
            _ => format!("`{hash}` begins {} versions: name more digits", fits.len()),
        };
        Err(ActError::NoVersion(why))
    }

    /// What is to become of a version whose file comes, or that waits.
    pub(crate) fn judge(&self, version: &Kept, grants: &Grants) -> Judged {
        if let Err(why) = self.check_state(version) {
            return Judged::Refuse(why);
        }
        let hash = &version.hash;
        match &self.pinned {
            Some(pinned) if pinned != hash => return Judged::Hold(Hold::Pinned(pinned.clone())),
            _ => {}
        }
        if self.withdrawn.as_ref() == Some(hash) {
            return Judged::Hold(Hold::Withdrawn(hash.clone()));
        }
        let is_known = self.approved.contains(hash)
            || self.pinned.as_ref() == Some(hash)
            || self.current().is_some_and(|current| current.hash == *hash);
        let asks = match &version.manifest {
            Some(manifest) if !is_known => {
                preflight::beyond(&manifest.capabilities, grants, self.asked())
            }
            _ => Vec::new(),
        };
        match asks.is_empty() {
            true => Judged::Serve,
            false => Judged::Hold(Hold::Asks(asks)),
        }
    }

    /// Whether a version can read the states that are there.
    ///
    /// # Errors
    /// Why not, and the remedy.
    pub(crate) fn check_state(&self, version: &Kept) -> Result<(), String> {
        let Some(highest) = self.state_version else {
            return Ok(());
        };
        let own = version.state_version();
        if own < highest {
            return Err(format!(
                "it reads version {own} of the plugin's state, and version {highest} has been \
                 written: build one whose `state-version` is {highest} or higher"
            ));
        }
        if own > highest && !version.migrates {
            return Err(format!(
                "its `state-version` is {own}, there may be state of version {highest}, and it \
                 exports no `migrate`: export `wasmill:plugin/migration`"
            ));
        }
        Ok(())
    }

    /// What the last version that served, and says so, asked for.
    fn asked(&self) -> Option<&Capabilities> {
        let served = self.trail.iter().rev().filter_map(|hash| self.find(hash));
        let mut said = served.filter_map(|version| version.manifest.as_ref());
        said.next().map(|manifest| &manifest.capabilities)
    }

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

    /// Goes back from the version that serves.
    ///
    /// # Errors
    /// [`ActError`] if there is none to go back to, or it must not serve.
    pub(crate) fn roll_back(&mut self, to: Option<&str>, now: Millis) -> Result<(), ActError> {
        let refused = |why: &str| ActError::Refused(why.to_owned());
        if self.is_removed() {
            return Err(refused(
                "its file is gone: put one back into the plugins directory",
            ));
        }
        let from = self.current().map(|version| version.hash.clone());
        let target = match to {
            Some(to) => self.named(to)?,
            None => self.previous().ok_or_else(|| {
                refused("no version has served before this one: name another with `--to`")
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
        match self.trail.iter().rposition(|hash| *hash == target) {
            Some(place) => self.trail.truncate(place + 1),
            // One that served longer ago than the trail goes back.
            None => drop(self.trail.pop()),
        }
        if from.is_some() && self.file == from {
            self.withdrawn = from;
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
    /// [`ActError`] if there is no such version, or none waits for approval.
    pub(crate) fn approve(
        &mut self,
        version: Option<&str>,
        grants: &Grants,
    ) -> Result<(), ActError> {
        let version = match version {
            Some(hash) => Some(self.named(hash)?),
            None => self.waiting(),
        };
        // What is pinned or went back besides may be approved all the same.
        let unbound = Self {
            pinned: None,
            withdrawn: None,
            ..self.clone()
        };
        let asks = |it: &&Kept| matches!(unbound.judge(it, grants), Judged::Hold(Hold::Asks(_)));
        let Some(version) = version.filter(asks) else {
            let why = "no version waits for approval: see the plugin's history";
            return Err(ActError::Refused(why.to_owned()));
        };
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

    /// Whether an operator may choose a version.
    fn check_chosen(&self, version: &Kept) -> Result<(), ActError> {
        self.check_state(version).map_err(ActError::Refused)?;
        if version.served_at.is_some() || self.approved.contains(&version.hash) {
            return Ok(());
        }
        match &version.manifest {
            Some(manifest) if manifest.capabilities != Capabilities::default() => {
                let why = "it has never served, and asks for capabilities: approve it first";
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
