//! What is kept of a plugin, and what is to serve: plain data, and the questions asked of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use wasmill_component::{Capabilities, Manifest};
use wasmill_model::Millis;
use wasmill_model::routes::Grants;
use wasmill_port::plugins::ActError;

use super::preflight;

/// Fewest digits that name a version.
const HASH_DIGITS_MIN: usize = 8;

/// The record of a plugin. On disk as JSON: fields may come, with a default, and never change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// Kept versions, in the order in which their files first came.
    pub(super) versions: Vec<Kept>,
    /// Versions in the order in which they were put into service; a rollback takes the last away.
    pub(super) trail: Vec<String>,
    /// The content of the file that was judged last; none if it cannot serve.
    pub(super) file: Option<String>,
    /// The file's content, if the plugin was rolled back since it came: it is let in only after
    /// another one.
    pub(super) withdrawn: Option<String>,
    /// The version that serves whatever the file is.
    pub(super) pinned: Option<String>,
    /// Versions that were let in whatever they ask for.
    pub(super) approved: BTreeSet<String>,
    /// The file went, and none was let in since: nothing serves.
    pub(super) removed: bool,
    /// An operator took the plugin out of service.
    pub(super) disabled: bool,
    /// The highest version of a state's schema that has served: none if nothing has.
    pub(super) state_version: Option<u32>,
    /// The version that was tried last beside the one that served.
    pub(super) tried: Option<String>,
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
    /// The last signature that came with it and was of a key in force then.
    #[serde(default)]
    pub(super) signature: Option<String>,
    /// Others that came with it, the last one last: they may be of keys that come into force.
    #[serde(default)]
    pub(super) other_signatures: Vec<String>,
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
    /// An operator went back while it was there.
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
            other_signatures: Vec::new(),
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

    /// Whether it has the versions that it puts into service: this host writes no other.
    ///
    /// # Errors
    /// Which one it does not have.
    pub(super) fn check_names(&self) -> Result<(), String> {
        let mut named = self.trail.iter().chain(&self.pinned);
        match named.find(|hash| self.find(hash).is_none()) {
            None => Ok(()),
            Some(hash) => Err(format!("it names version {hash}, which it does not have")),
        }
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

    /// The content of the plugin's file, if it was taken: no other waits to be.
    pub(crate) fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    pub(crate) fn pinned(&self) -> Option<&str> {
        self.pinned.as_deref()
    }

    /// Whether the plugin's file is gone, or cannot serve and nothing did since the one before went.
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
        let named = named.chain(self.pinned());
        // Kept until it is promoted.
        let tried = self
            .tried
            .as_deref()
            .filter(|hash| self.find(hash).is_some());
        named.chain(tried)
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
            None if !is_known && self.lost_manifest(version) => {
                let why = "it has no manifest, unlike the version before: it would have all that \
                           the plugin is granted";
                vec![why.to_owned()]
            }
            _ => Vec::new(),
        };
        match asks.is_empty() {
            true => Judged::Serve,
            false => Judged::Hold(Hold::Asks(asks)),
        }
    }

    /// Whether a version does not say what it asks for, and the last one that served did.
    pub(super) fn lost_manifest(&self, version: &Kept) -> bool {
        let last = self.trail.last().and_then(|hash| self.find(hash));
        version.manifest.is_none() && last.is_some_and(|last| last.manifest.is_some())
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
}
