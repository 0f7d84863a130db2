//! Brings one plugin's file into service, or the plugin out of it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use wasmill_model::Name;
use wasmill_port::Plugins;
use wasmill_port::plugins::{Installed, Rejected, Remedy, Standing};
use xxhash_rust::xxh3::xxh3_128;

use super::look::{Seen, Stamps, signature_of};
use super::metrics::Metrics;
use super::settle::Stamp;
use crate::plugins::{Serving, Supervisor};

/// Largest plugin file.
pub const FILE_BYTES_MAX: u64 = 256 << 20;
/// Largest file of a signature.
pub const SIGNATURE_BYTES_MAX: u64 = 4 << 10;

pub(super) struct Loader<P, S> {
    pub(super) supervisor: Arc<Supervisor<P, S>>,
    pub(super) metrics: Metrics,
}

/// The content of a plugin's file and of its signature's. Not against attackers: who may write here
/// may install anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content(u128, Option<u128>);

impl Content {
    fn of(component: &[u8], signature: Option<&[u8]>) -> Self {
        Self(xxh3_128(component), signature.map(xxh3_128))
    }
}

/// The content that was brought last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brought {
    content: Content,
    /// What would have let it in, if it was refused.
    refused: Option<Remedy>,
    /// How often the routes had changed before it was judged, if not once more.
    routes: u64,
}

impl Brought {
    /// Whether it was refused for routes that have changed since.
    pub(super) fn may_come_in(&self, routes: u64) -> bool {
        self.refused == Some(Remedy::Routes) && self.routes != routes
    }
}

/// What to do: the file has settled.
pub(super) struct Job {
    pub(super) name: Name,
    pub(super) path: PathBuf,
    /// None if the file is gone.
    pub(super) seen: Option<Seen>,
    /// What was brought before.
    pub(super) brought: Option<Brought>,
    /// Why the file has waited so far, if it has.
    pub(super) waited: Option<String>,
    /// Whether to restore the kept version if the file is not taken.
    pub(super) restore: bool,
    /// Turns true when nobody needs the outcome: the file is gone, or the watch ends.
    pub(super) dropped: watch::Receiver<bool>,
}

/// How it ended.
pub(super) enum Loaded {
    /// The file changed while it was read, compiled and checked.
    Changing,
    /// It was installed or refused; none if it could not be read.
    Done(Option<Brought>),
    /// It is to be tried again: why.
    Waits(String),
    /// The plugin is out of service.
    Removed,
}

impl<P: Plugins, S: Serving> Loader<P, S> {
    pub(super) async fn run(self: Arc<Self>, mut job: Job) -> (Name, Loaded) {
        let loaded = match job.seen {
            Some(Ok(stamps)) => self.load(&mut job, stamps).await,
            Some(Err(error)) => {
                let error = format!("it cannot be looked at: {error}");
                self.unread(&job, error).await
            }
            None => self.remove(&job.name).await,
        };
        (job.name, loaded)
    }

    async fn load(&self, job: &mut Job, stamps: Stamps) -> Loaded {
        let path = job.path.clone();
        let read = tokio::task::spawn_blocking(move || read_both(&path, stamps)).await;
        let (bytes, signature) = match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(Some(both)) => both,
            Ok(None) => return Loaded::Changing,
            Err(error) => return self.unread(job, error.to_string()).await,
        };
        let content = Content::of(&bytes, signature.as_deref());
        let before = job.brought.filter(|before| before.content == content);
        // Another content may have come between, and waited.
        if job.waited.is_none() && before.is_some_and(|before| before.refused.is_some()) {
            return Loaded::Done(before);
        }
        let routes = *self.supervisor.routes().borrow();
        let prepared = tokio::select! {
            prepared = self.supervisor.prepare(&job.name, bytes, signature) => prepared,
            // An error means that the watch is gone, which is an end as well.
            _ = job.dropped.wait_for(|dropped| *dropped) => return Loaded::Changing,
        };
        // That may have taken long, and must not bring in, or refuse, what is there no more.
        let still = is_current(job.path.clone(), stamps, content);
        let Some(taken) = self.supervisor.take(&job.name, prepared, still).await else {
            return Loaded::Changing;
        };
        let refused = match taken {
            Ok(installed) => {
                // What is there already may need it again, its kept content say.
                if before.is_none() || installed.changed {
                    self.installed(&job.name, installed);
                }
                None
            }
            Err(rejected) if rejected.waits() => {
                self.waits(job, &rejected.reason).await;
                return Loaded::Waits(rejected.reason);
            }
            Err(rejected) => {
                self.refused(job, &rejected.reason).await;
                Some(rejected.remedy)
            }
        };
        Loaded::Done(Some(Brought {
            content,
            refused,
            routes,
        }))
    }

    /// The file is there and cannot be read.
    async fn unread(&self, job: &Job, reason: String) -> Loaded {
        let rejected = Rejected {
            plugin: job.name.clone(),
            reason,
            remedy: Remedy::File,
        };
        self.supervisor.not_taken(&rejected);
        self.refused(job, &rejected.reason).await;
        Loaded::Done(None)
    }

    fn installed(&self, name: &Name, installed: Installed) {
        let Installed {
            version,
            serving,
            held,
            ..
        } = installed;
        match held {
            None => {
                self.metrics.count(name, "installed");
                let what = match serving {
                    true => "plugin in service",
                    false => "plugin file taken: the plugin is disabled",
                };
                tracing::info!(plugin = %name, version, "{what}");
            }
            Some(held) => {
                self.metrics.count(name, "held");
                let reasons = held.reasons.join("; ");
                let held = held.version;
                tracing::warn!(plugin = %name, held, version, reasons, "plugin file held");
            }
        }
    }

    /// Puts the kept version of a plugin into service whose file is not whole yet.
    pub(super) async fn restore(&self, name: &Name) {
        if let Ok(Installed {
            version,
            serving: true,
            ..
        }) = self.supervisor.restore(name).await
        {
            self.metrics.count(name, "restored");
            tracing::warn!(plugin = %name, version, "plugin file is still changing: the last good version serves");
        }
    }

    pub(super) async fn remove(&self, name: &Name) -> Loaded {
        self.supervisor.remove(name).await;
        self.metrics.count(name, "removed");
        tracing::warn!(plugin = %name, "plugin file removed: its subscriptions pause");
        Loaded::Removed
    }

    async fn refused(&self, job: &Job, reason: &str) {
        self.metrics.count(&job.name, "refused");
        let file = job.path.display().to_string();
        let instead = self.instead(job).await;
        tracing::error!(file, reason, "plugin file refused: {instead}");
    }

    async fn waits(&self, job: &Job, reason: &str) {
        if job.waited.as_deref() == Some(reason) {
            return;
        }
        self.metrics.count(&job.name, "waiting");
        let file = job.path.display().to_string();
        let instead = self.instead(job).await;
        tracing::error!(
            file,
            reason,
            "plugin file waits, and is tried again: {instead}"
        );
    }

    /// What serves in the place of a file that was not taken.
    async fn instead(&self, job: &Job) -> String {
        let restored = match job.restore {
            true => Some(self.supervisor.restore(&job.name).await),
            false => None,
        };
        let status = self.supervisor.status(&job.name);
        let standing = status
            .and_then(|status| status.standing)
            .unwrap_or_default();
        match (standing, restored) {
            (Standing { serving: true, .. }, Some(Ok(restored))) => {
                self.metrics.count(&job.name, "restored");
                format!("its last good version {} serves", restored.version)
            }
            (Standing { serving: true, .. }, _) => "what served before still does".to_owned(),
            (Standing { disabled: true, .. }, _) => "the plugin is disabled".to_owned(),
            (_, Some(Err(why))) => format!("the plugin is not in service: {why}"),
            _ => "the plugin is not in service".to_owned(),
        }
    }
}

/// A component, and its signature if there is one.
type Both = (Vec<u8>, Option<Vec<u8>>);

/// Whether the file and its signature's are still there with this content. Their stamps may have
/// changed: a file that is touched again and again would never be taken.
async fn is_current(path: PathBuf, stamps: Stamps, content: Content) -> bool {
    let look = move || {
        let now = Stamps::of(&path)?;
        if now == Some(stamps) {
            return Ok(true);
        }
        let both = now.map_or(Ok(None), |now| read_both(&path, now))?;
        Ok(both.is_some_and(|(component, signature)| {
            Content::of(&component, signature.as_deref()) == content
        }))
    };
    let looked: io::Result<bool> = tokio::task::spawn_blocking(look)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    looked.unwrap_or(false)
}

/// The content of the files with these stamps; none if one has another by the end.
fn read_both(path: &Path, stamps: Stamps) -> io::Result<Option<Both>> {
    let Some(component) = read_whole(path, stamps.component, FILE_BYTES_MAX)? else {
        return Ok(None);
    };
    let Some(stamp) = stamps.signature else {
        return Ok(Some((component, None)));
    };
    let signature = read_whole(&signature_of(path), stamp, SIGNATURE_BYTES_MAX)?;
    Ok(signature.map(|signature| (component, Some(signature))))
}

/// The content of the file with this stamp; none if it has another by the end.
fn read_whole(path: &Path, stamp: Stamp, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    if stamp.bytes() > bytes_max {
        let (file, size) = (path.display(), stamp.bytes());
        let what = format!("{file} has {size} bytes, more than the {bytes_max} allowed");
        return Err(io::Error::other(what));
    }
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.bytes()).unwrap_or_default());
    (&mut file).take(bytes_max).read_to_end(&mut bytes)?;
    // Both the file that was read and the one that the path names now.
    let is_same = |metadata: &fs::Metadata| Stamp::of(metadata) == stamp;
    let same = is_same(&file.metadata()?) && fs::metadata(path).is_ok_and(|m| is_same(&m));
    Ok(same.then_some(bytes))
}
