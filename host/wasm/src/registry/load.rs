//! From bytes to a version that starts.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasmill_component::Manifest;
use wasmill_model::Name;
use wasmtime::component::Component;

use super::{Host, Registry, VERSIONS};
use crate::component::{self, Version};
use crate::instance::Instance;
use crate::pool::Serving;
use crate::versions::{About, Known};

/// A component that fits this host.
pub(super) struct Loaded {
    pub(super) version: Arc<Version>,
    pub(super) about: About,
    pub(super) bytes: Vec<u8>,
    compiled: Component,
}

/// A version that has started.
pub(super) struct Tried {
    pub(super) serving: Serving,
    pub(super) instance: Instance,
}

impl Registry {
    /// Compiles a component, whose content hash is known, and checks that it fits this host. Nothing
    /// of it runs.
    ///
    /// # Errors
    /// What does not fit, and the remedy.
    pub(super) async fn load(
        &self,
        name: &Name,
        hash: String,
        bytes: Vec<u8>,
    ) -> Result<Loaded, String> {
        let (host, plugin) = (self.host.clone(), name.clone());
        blocking(move || {
            let compiled = host.compile(&hash, &bytes)?;
            let manifest = Manifest::read(&bytes).map_err(|error| error.to_string())?;
            let version = Version::new(&host, plugin, hash, manifest.as_ref(), &compiled);
            let version = version.map_err(|reason| component::explained(&bytes, reason))?;
            let about = About {
                manifest,
                migrates: version.exports.migration.is_some(),
            };
            Ok(Loaded {
                version: Arc::new(version),
                about,
                bytes,
                compiled,
            })
        })
        .await
    }

    /// Loads a version that is kept.
    ///
    /// # Errors
    /// Why it cannot be loaded.
    pub(super) async fn load_kept(&self, name: &Name, hash: &str) -> Result<Loaded, String> {
        let bytes = self.content(hash).await?;
        self.load(name, hash.to_owned(), bytes).await
    }

    /// The component of a version that is kept, as it came.
    ///
    /// # Errors
    /// Why there is none, and the remedy.
    pub(super) async fn content(&self, hash: &str) -> Result<Vec<u8>, String> {
        let (host, wanted) = (self.host.clone(), hash.to_owned());
        blocking(move || match host.read_whole(&wanted) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(damaged(&wanted)),
            Err(error) => Err(unreadable(&wanted, &error)),
        })
        .await
    }

    /// Sees whether a version starts under the settings in force.
    ///
    /// # Errors
    /// Why it does not.
    pub(super) async fn trial(&self, version: &Arc<Version>) -> Result<Tried, String> {
        let settings = self.routes().plugin(&version.plugin);
        let serving = Serving::new(self.host.clone(), version.clone(), settings);
        match serving.try_start().await {
            Ok(instance) => Ok(Tried { serving, instance }),
            Err(unstarted) => Err(format!("it does not start: {}", unstarted.fault.0)),
        }
    }
}

impl Host {
    /// Keeps what was loaded, compiled code with it. Nothing names it yet.
    pub(super) fn keep(&self, loaded: &Loaded) -> io::Result<()> {
        let (plugin, hash) = (&loaded.version.plugin, &loaded.version.hash);
        // What fails is tried again, and the code is what takes longest to make.
        let hold = || self.cache.hold(plugin, hash, &loaded.compiled);
        let kept = self.versions.keep(hash, &loaded.bytes);
        kept.inspect_err(|_| hold())?;
        // The cache only saves time: without it the plugin serves all the same.
        if let Err(error) = self.cache.store(hash, &loaded.compiled) {
            hold();
            tracing::warn!(%plugin, %error, "the compiled code could not be kept");
        }
        Ok(())
    }

    /// Where the component of a version is kept.
    pub(super) fn kept_file(&self, hash: &str) -> PathBuf {
        self.data.join(VERSIONS).join(format!("{hash}.wasm"))
    }

    /// The component of a version that is kept; none if it is not what its hash says.
    pub(super) fn read_whole(&self, hash: &str) -> io::Result<Option<Vec<u8>>> {
        let bytes = self.versions.component(hash)?;
        Ok((content_hash(&bytes) == hash).then_some(bytes))
    }

    /// Drops what no record names any more.
    pub(super) fn clean(&self) -> io::Result<()> {
        let Some(warm) = self.versions.clean()? else {
            return Ok(());
        };
        let all = self.versions.all();
        let records: Vec<_> = all.values().flat_map(Known::record).collect();
        self.wholes
            .retain(|hash| records.iter().any(|record| record.find(hash).is_some()));
        self.cache.clean(&warm)
    }

    fn compile(&self, hash: &str, bytes: &[u8]) -> Result<Component, String> {
        if let Some(component) = self.cache.load(&self.engine, hash) {
            return Ok(component);
        }
        self.cache.forget(hash);
        component::compile(&self.engine, bytes)
    }
}

/// The hash by which a component is known: SHA-256, hexadecimal.
pub(super) fn content_hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What is told of a kept version that cannot be read.
pub(super) fn unreadable(hash: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!(
            "its kept version {hash} cannot be read, since its content is not there: drop its file \
             again"
        ),
        _ => format!("its kept version {hash} cannot be read: {error}"),
    }
}

/// What is told of a kept version whose content is another.
pub(super) fn damaged(hash: &str) -> String {
    format!("its kept version {hash} is damaged: drop its file again")
}

/// Runs what would hold up an asynchronous thread.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the runtime is shutting down: {error}"),
        },
    }
}
