//! Compiled code on disk, by content hash: a restart loads it instead of compiling again.
//!
//! An entry is `<sha256 of the component>-<engine>.cwasm`: the SHA-256 of the code, then the
//! code. `<engine>` is a hash of wasmtime's version and settings. An entry that is missing or
//! damaged is compiled anew.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::files;

const CHECKSUM_BYTES: usize = 32;

/// The directory of compiled code.
pub(crate) struct Cache {
    directory: Dir,
    engine: String,
    /// The last code that could not be written, and of which component: whoever tries again for want
    /// of room does not compile again.
    unwritten: Mutex<Option<(String, Component)>>,
}

impl Cache {
    pub(crate) fn open(directory: &Path, engine: &Engine) -> io::Result<Self> {
        let directory = files::open_directory(directory)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self {
            directory,
            engine: format!("{:016x}", hasher.finish()),
            unwritten: Mutex::default(),
        })
    }

    /// The code compiled for `hash` before; none if there is none that is whole.
    pub(crate) fn load(&self, engine: &Engine, hash: &str) -> Option<Component> {
        let file = self.file(hash);
        if let Some((_, component)) = self.unwritten().as_ref().filter(|(of, _)| of == hash) {
            return Some(component.clone());
        }
        let entry = self.directory.read(&file).ok()?;
        match decode(engine, &entry) {
            Ok(component) => Some(component),
            Err(cause) => {
                tracing::debug!(file, cause, "compiling anew");
                None
            }
        }
    }

    /// Keeps the code of `component`.
    pub(crate) fn store(&self, hash: &str, component: &Component) -> io::Result<()> {
        let file = self.file(hash);
        if self.directory.exists(&file) {
            return Ok(());
        }
        let code = component.serialize().map_err(io::Error::other)?;
        let content: [&[u8]; 2] = [&Sha256::digest(&code), &code];
        let written = files::write_whole(&self.directory, &[&file], &content);
        match written {
            Ok(()) => drop(self.unwritten().take_if(|(of, _)| of == hash)),
            Err(_) => self.hold(hash, component),
        }
        Ok(written?)
    }

    /// Holds the code of `component` in memory, since the directory has no room for it now.
    pub(crate) fn hold(&self, hash: &str, component: &Component) {
        *self.unwritten() = Some((hash.to_owned(), component.clone()));
    }

    /// Forgets a damaged entry, so that [`Cache::store`] writes it again.
    pub(crate) fn forget(&self, hash: &str) {
        let _ = self.directory.remove_file(self.file(hash));
    }

    /// Removes all code but that of `wanted` components for this engine.
    pub(crate) fn clean(&self, wanted: &HashSet<String>) -> io::Result<()> {
        let wanted: HashSet<_> = wanted.iter().map(|hash| self.file(hash)).collect();
        files::retain(&self.directory, |file| wanted.contains(file))
    }

    fn unwritten(&self) -> MutexGuard<'_, Option<(String, Component)>> {
        self.unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, hash: &str) -> String {
        format!("{hash}-{}.cwasm", self.engine)
    }
}

#[expect(
    unsafe_code,
    reason = "wasmtime cannot check that compiled code is its own"
)]
fn decode(engine: &Engine, entry: &[u8]) -> Result<Component, String> {
    let (checksum, code) = entry
        .split_at_checked(CHECKSUM_BYTES)
        .ok_or("the entry is cut short")?;
    if Sha256::digest(code)[..] != *checksum {
        return Err("the checksum differs".to_owned());
    }
    // SAFETY: the code was written by `Cache::store` into the data directory, which one host at
    // a time holds and only its operator can write to; the checksum shows that it is whole, and
    // the name that this very engine compiled it. wasmtime checks its version and settings again.
    let component = unsafe { Component::deserialize(engine, code) };
    component.map_err(|error| format!("{error:#}"))
}
