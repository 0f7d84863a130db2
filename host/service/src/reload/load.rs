//! Brings one plugin's file into service, or the plugin out of it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wasmill_model::Name;
use wasmill_port::Plugins;
use wasmill_port::guest::Installed;
use xxhash_rust::xxh3::xxh3_128;

use super::Serving;
use super::metrics::Metrics;
use super::settle::Stamp;

/// Largest plugin file.
pub const FILE_BYTES_MAX: u64 = 256 << 20;

pub(super) struct Loader<P, S> {
    pub(super) plugins: Arc<P>,
    pub(super) serving: Arc<S>,
    pub(super) metrics: Metrics,
}

/// What to do: the file has settled.
pub(super) struct Job {
    pub(super) name: Name,
    pub(super) path: PathBuf,
    /// None if the file is gone.
    pub(super) stamp: Option<Stamp>,
    /// The content that was tried before.
    pub(super) tried: Option<u128>,
    /// Whether to restore the kept version if the file does not load.
    pub(super) restore: bool,
}

/// How it ended.
pub(super) enum Loaded {
    /// The file changed while it was read.
    Changing,
    /// This content was installed or refused; none if it could not be read.
    Tried(Option<u128>),
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

    async fn load(&self, job: &Job, stamp: Stamp) -> Loaded {
        let path = job.path.clone();
        let read = tokio::task::spawn_blocking(move || read_whole(&path, stamp)).await;
        let bytes = match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Loaded::Changing,
            Err(error) => {
                self.refused(job, error.to_string()).await;
                return Loaded::Tried(None);
            }
        };
        // Not against attackers: who may write here may install anything.
        let content = xxh3_128(&bytes);
        if job.tried == Some(content) {
            return Loaded::Tried(Some(content));
        }
        match self.install(job.name.clone(), bytes).await {
            Ok(installed) => {
                self.serving.set_serving(&job.name, true).await;
                self.metrics.count(&job.name, "installed");
                tracing::info!(plugin = %job.name, version = installed.version, "plugin in service");
            }
            Err(reason) => self.refused(job, reason).await,
        }
        Loaded::Tried(Some(content))
    }

    /// In a task of its own: a file that makes the compiler panic is a bad file like others.
    async fn install(&self, name: Name, bytes: Vec<u8>) -> Result<Installed, String> {
        let plugins = self.plugins.clone();
        let task = tokio::spawn(async move { plugins.install(&name, &bytes).await });
        match task.await {
            Ok(installed) => installed.map_err(|rejected| rejected.reason),
            Err(error) => Err(format!("loading it failed inside the host: {error}")),
        }
    }

    /// Subscriptions pause before the plugin goes, so that no message meets its absence.
    async fn remove(&self, name: &Name) -> Loaded {
        self.serving.set_serving(name, false).await;
        self.plugins.remove(name);
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
        match self.plugins.restore(&job.name).await {
            Ok(installed) => {
                self.serving.set_serving(&job.name, true).await;
                self.metrics.count(&job.name, "restored");
                let version = installed.version;
                tracing::error!(
                    file,
                    reason,
                    version,
                    "plugin file refused: its last good version serves"
                );
            }
            Err(rejected) => {
                let kept = rejected.reason;
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

/// The content of the file with this stamp; none if it has another by the end.
fn read_whole(path: &Path, stamp: Stamp) -> io::Result<Option<Vec<u8>>> {
    if stamp.bytes() > FILE_BYTES_MAX {
        let size = stamp.bytes();
        let what = format!("the file has {size} bytes, more than the {FILE_BYTES_MAX} allowed");
        return Err(io::Error::other(what));
    }
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.bytes()).unwrap_or_default());
    (&mut file).take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    // Both the file that was read and the one that the path names now.
    let is_same = |metadata: &fs::Metadata| Stamp::of(metadata) == stamp;
    let same = is_same(&file.metadata()?) && fs::metadata(path).is_ok_and(|m| is_same(&m));
    Ok(same.then_some(bytes))
}
