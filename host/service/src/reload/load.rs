//! Brings one plugin's file into service, or the plugin out of it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmill_model::Name;
use wasmill_port::Plugins;
use wasmill_port::plugins::Installed;
use xxhash_rust::xxh3::xxh3_128;

use super::look::{Stamps, signature_of};
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

/// What to do: the file has settled.
pub(super) struct Job {
    pub(super) name: Name,
    pub(super) path: PathBuf,
    /// None if the file is gone.
    pub(super) stamp: Option<Stamps>,
    /// The content that was tried before.
    pub(super) tried: Option<Content>,
    /// Whether to restore the kept version if the file does not load.
    pub(super) restore: bool,
}

/// How it ended.
pub(super) enum Loaded {
    /// The file changed while it was read.
    Changing,
    /// This content was installed or refused; none if it could not be read.
    Tried(Option<Content>),
    /// The plugin is out of service.
    Removed,
}

impl<P: Plugins, S: Serving> Loader<P, S> {
    pub(super) async fn run(self: Arc<Self>, job: Job) -> (Name, Loaded) {
        let loaded = match job.stamp {
            Some(stamp) => self.load(&job, stamp).await,
            None => self.remove(&job.name).await,
        };
        (job.name, loaded)
    }

    async fn load(&self, job: &Job, stamp: Stamps) -> Loaded {
        let path = job.path.clone();
        let read = tokio::task::spawn_blocking(move || read_both(&path, stamp)).await;
        let (bytes, signature) = match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(Some(both)) => both,
            Ok(None) => return Loaded::Changing,
            Err(error) => {
                let reason = error.to_string();
                self.supervisor.refused(&job.name, &reason);
                self.refused(job, reason).await;
                return Loaded::Tried(None);
            }
        };
        let content = Content(xxh3_128(&bytes), signature.as_deref().map(xxh3_128));
        if job.tried == Some(content) {
            return Loaded::Tried(Some(content));
        }
        match self.supervisor.install(&job.name, bytes, signature).await {
            Ok(installed) => self.installed(&job.name, installed),
            Err(reason) => self.refused(job, reason).await,
        }
        Loaded::Tried(Some(content))
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

    pub(super) async fn remove(&self, name: &Name) -> Loaded {
        self.supervisor.remove(name).await;
        self.metrics.count(name, "removed");
        tracing::warn!(plugin = %name, "plugin file removed: its subscriptions pause");
        Loaded::Removed
    }

    async fn refused(&self, job: &Job, reason: String) {
        self.metrics.count(&job.name, "refused");
        let file = job.path.display().to_string();
        if !job.restore {
            tracing::error!(
                file,
                reason,
                "plugin file refused: what served before still does"
            );
            return;
        }
        match self.supervisor.restore(&job.name).await {
            Ok(installed) => {
                self.metrics.count(&job.name, "restored");
                let version = installed.version;
                tracing::error!(
                    file,
                    reason,
                    version,
                    "plugin file refused: its last good version serves"
                );
            }
            Err(kept) => {
                tracing::error!(
                    file,
                    reason,
                    kept,
                    "plugin file refused: the plugin is not in service"
                );
            }
        }
    }
}

/// A component, and its signature if there is one.
type Both = (Vec<u8>, Option<Vec<u8>>);

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
