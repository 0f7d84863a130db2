//! A record as operators are told of it.

use wasmill_component::{Capabilities, Manifest};
use wasmill_model::routes::{Grants, Signatures};
use wasmill_port::plugins::{About, Handled, Held, Standing, Version};

use super::record::{Came, Hold, Judged, Kept, Record};

impl Hold {
    /// Why, and what lets the version in: one text for each thing.
    pub(crate) fn reasons(&self) -> Vec<String> {
        match self {
            Self::Pinned(hash) => vec![format!(
                "the plugin is pinned to version {hash} until it is unpinned"
            )],
            Self::Withdrawn(_) => vec![
                "another version was chosen over it, by a rollback or a trial: drop another file, or choose \
                 this version"
                    .to_owned(),
            ],
            Self::Asks(asks) => asks.clone(),
        }
    }
}

impl Record {
    /// Why the file's version is not the one that is to serve, if it is not.
    pub(crate) fn held(&self, grants: &Grants) -> Option<Held> {
        let waiting = self.waiting()?;
        let reasons = match self.judge(waiting, grants) {
            Judged::Hold(hold) => hold.reasons(),
            Judged::Refuse(why) => vec![why],
            // It may come in now, and will as soon as it is looked at.
            Judged::Serve => Vec::new(),
        };
        Some(Held {
            version: waiting.hash.clone(),
            reasons,
        })
    }

    /// How the plugin stands.
    pub(crate) fn standing(
        &self,
        grants: &Grants,
        trusted: &Signatures,
        serving: bool,
    ) -> Standing {
        let version = |kept| version(kept, trusted);
        let hash = |version: &Kept| version.hash.clone();
        Standing {
            current: self.current().map(hash),
            serving,
            removed: self.is_removed(),
            disabled: self.is_disabled(),
            pinned: self.pinned().map(str::to_owned),
            previous: self.previous().map(hash),
            held: self.held(grants),
            state_version: self.state_version(),
            fault: None,
            versions: self.kept().iter().rev().map(version).collect(),
            handled: Handled::default(),
        }
    }
}

fn version(kept: &Kept, trusted: &Signatures) -> Version {
    Version {
        hash: kept.hash.clone(),
        size: kept.size,
        about: kept.manifest.as_ref().map(about),
        installed_at: kept.installed_at,
        served_at: kept.served_at,
        came: match kept.came {
            Came::File => "file",
            Came::Rollback => "rollback",
            Came::Approve => "approve",
            Came::Pin => "pin",
            Came::Restore => "restore",
            Came::Promote => "promote",
        },
        signed_by: kept.signed_by(trusted),
    }
}

fn about(manifest: &Manifest) -> About {
    let Capabilities {
        http,
        files,
        env,
        secrets,
    } = &manifest.capabilities;
    let http = http.iter().map(|host| format!("http {host}"));
    let files = files.then(|| "files".to_owned());
    let env = env.iter().map(|name| format!("env {name}"));
    let secrets = secrets.iter().map(|name| format!("secret {name}"));
    About {
        version: manifest.version.clone(),
        language: manifest.language.clone(),
        capabilities: http.chain(files).chain(env).chain(secrets).collect(),
        state_version: manifest.state_version,
    }
}
