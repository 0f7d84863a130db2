//! Records that come into force.
//!
//! Whatever changes goes one way: a changed copy of the plugin's record, the version loaded and
//! started that it wants in service, the record on disk, and only then the swap. So a version never
//! serves that the record does not name, and a kill in between leaves the old or the new, whole.

use std::io;
use std::sync::Arc;

use wasmill_model::Name;
use wasmill_port::plugins::ActError;

use super::load::{Loaded, Tried, blocking};
use super::{Prepared, Registry};
use crate::versions::{Record, Unreadable};

/// Why a record did not come into force.
pub(super) enum Failed {
    /// The version that it wants in service cannot serve.
    Version(String),
    /// No key in force has signed the version.
    Unsigned(String),
    /// What is kept could not be read or written.
    Storage(String),
}

/// What a record wants to be kept and in service.
struct Ready {
    keep: Vec<Arc<Loaded>>,
    /// None if that serves already, or nothing is to.
    tried: Option<Tried>,
}

impl Registry {
    /// Puts a changed record in force, and into service what it wants there. `arrived` is what the
    /// record names and is not kept yet. True if another version serves now.
    pub(super) async fn put(
        &self,
        name: &Name,
        record: Record,
        arrived: Option<Arc<Loaded>>,
    ) -> Result<bool, Failed> {
        let ready = self.make_ready_for(name, &record, arrived).await;
        let Ready { keep, tried } = ready?;
        let is_wanted = record.in_service().is_some();
        let saved = self.save(name, record, keep).await;
        saved.map_err(Failed::Storage)?;
        Ok(self.enter(name, tried, is_wanted))
    }

    /// Puts the version into service that the record on disk names already; nothing else in it has
    /// changed that must be durable. True if another version serves now.
    pub(super) async fn put_back(&self, name: &Name, record: Record) -> Result<bool, Failed> {
        let ready = self.make_ready_for(name, &record, None).await;
        let Ready { keep, tried } = ready?;
        let is_wanted = record.in_service().is_some();
        self.note(name, record, keep).await;
        Ok(self.enter(name, tried, is_wanted))
    }

    /// Has a record hold, and writes it down if that is possible now.
    pub(super) async fn note(&self, name: &Name, record: Record, keep: Vec<Arc<Loaded>>) {
        if let Err(why) = self.save(name, record.clone(), keep).await {
            self.host.versions.owe(name, record, &why);
        }
    }

    /// Loads and starts what is to serve by a record.
    async fn make_ready_for(
        &self,
        name: &Name,
        record: &Record,
        arrived: Option<Arc<Loaded>>,
    ) -> Result<Ready, Failed> {
        let mut keep = Vec::from_iter(arrived);
        let serves = self.version(name);
        let current = record
            .current()
            .filter(|it| serves != Some(it.hash.clone()));
        let Some(current) = current else {
            return Ok(Ready { keep, tried: None });
        };
        let hash = &current.hash;
        let here = keep.iter().find(|loaded| loaded.version.hash == *hash);
        let here = here.cloned();
        // If the plugin is disabled, this is still the time to say that what was chosen cannot serve.
        if here.is_none() && record.is_disabled() && !self.is_chosen_anew(name, hash) {
            return Ok(Ready { keep, tried: None });
        }
        let signed = current.check_signature(name, &self.in_force().signatures);
        signed.map_err(Failed::Unsigned)?;
        let loaded = match here {
            Some(loaded) => loaded,
            None => {
                let loaded = Arc::new(self.load_kept(name, hash).await.map_err(Failed::Version)?);
                keep.push(loaded.clone());
                loaded
            }
        };
        let tried = self.trial(&loaded.version).await;
        let tried = Some(tried.map_err(Failed::Version)?);
        Ok(Ready { keep, tried })
    }

    /// Whether a version is not the one that was to serve until now.
    fn is_chosen_anew(&self, name: &str, hash: &str) -> bool {
        let before = self.host.versions.of(name);
        before.is_ok_and(|before| before.current().is_none_or(|before| before.hash != hash))
    }

    /// Puts a version into service whose record is in force, or the plugin out of it. True if another
    /// version serves now.
    fn enter(&self, name: &Name, tried: Option<Tried>, is_wanted: bool) -> bool {
        match tried {
            Some(tried) if is_wanted => {
                self.swap(tried);
                true
            }
            _ => {
                if !is_wanted {
                    let _routes = self.routes();
                    self.replace(name, None);
                }
                false
            }
        }
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
            let is_taken = record.file().is_some();
            host.versions.save(&name, record)?;
            if is_taken {
                // No file of it waits any more.
                host.cache.release(&name);
            }
            if let Err(error) = host.clean() {
                tracing::warn!(plugin = %name, %error, "what is not kept any more is still there");
            }
            Ok(())
        });
        saved.await.map_err(|error| unkept(&error))
    }

    /// Keeps a component anew whose kept one was damaged.
    pub(super) async fn mend(&self, prepared: Prepared) -> Result<(), Failed> {
        // As where versions are saved: what is half written is not named yet.
        let _turn = self.turn.lock().await;
        let host = self.host.clone();
        let keep = move || host.versions.keep(prepared.hash(), prepared.bytes());
        let mended = blocking(keep).await;
        mended.map_err(|error| Failed::Storage(unkept(&error)))
    }
}

fn unkept(error: &io::Error) -> String {
    format!("it could not be kept in the data directory: {error}")
}

impl From<Failed> for ActError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Version(why) | Failed::Unsigned(why) => Self::Refused(why),
            Failed::Storage(why) => Self::Storage(why),
        }
    }
}

impl From<Unreadable> for Failed {
    fn from(unreadable: Unreadable) -> Self {
        Self::Storage(unreadable.0)
    }
}
