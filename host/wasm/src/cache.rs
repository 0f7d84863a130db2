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
use wasmill_model::Name;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::files;

/// Most plugins whose code is held in memory.
const HELD_MAX: usize = 4;
const CHECKSUM_BYTES: usize = 32;

/// The directory of compiled code.
pub(crate) struct Cache {
    directory: Dir,
    engine: String,
    /// Code that could not be written: whoever tries again for want of room does not
    /// compile again.
    held: Mutex<Vec<Held>>,
}

/// Code that waits for room, of the file of a plugin.
struct Held {
    plugin: Name,
    hash: String,
    code: Component,
}

impl Cache {
    pub(crate) fn open(directory: &Path, engine: &Engine) -> io::Result<Self> {
        let directory = files::open_directory(directory)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self {
            directory,
            engine: format!("{:016x}", hasher.finish()),
            held: Mutex::default(),
        })
    }

    /// The code compiled for `hash` before; none if there is none that is whole.
    pub(crate) fn load(&self, engine: &Engine, hash: &str) -> Option<Component> {
        let file = self.file(hash);
        if let Some(held) = self.held().iter().find(|held| held.hash == hash) {
            return Some(held.code.clone());
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
        Ok(files::write_whole(&self.directory, &[&file], &content)?)
    }

    /// Holds the code of a plugin's file in memory, since the data directory has no room for it now,
    /// in the place of what was held for that plugin. If it is held for enough others it is not: they
    /// would drive each other out, and all be compiled each time.
    pub(crate) fn hold(&self, plugin: &Name, hash: &str, code: &Component) {
        self.release(plugin);
        let mut held = self.held();
        if held.len() < HELD_MAX {
            held.push(Held {
                plugin: plugin.clone(),
                hash: hash.to_owned(),
                code: code.clone(),
            });
        }
    }

    /// Drops what is held for a plugin: no file of it waits any more.
    pub(crate) fn release(&self, plugin: &str) {
        self.held().retain(|held| *held.plugin != *plugin);
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

    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_held_for_few_plugins_and_for_each_once() {
        let folder = tempfile::tempdir().expect("a directory");
        let engine = Engine::default();
        let cache = Cache::open(folder.path(), &engine).expect("opened");
        let code = Component::new(&engine, b"\0asm\x0d\0\x01\0").expect("an empty one");
        let holds = |hash: &str| cache.load(&engine, hash).is_some();
        let names = ["a", "b", "c", "d", "e"].map(Name::from);
        cache.hold(&names[0], "first", &code);
        cache.hold(&names[1], "of another plugin", &code);
        assert!(holds("first") && holds("of another plugin"));
        cache.hold(&names[0], "another content", &code);
        assert!(!holds("first") && holds("another content"));
        cache.release("b");
        assert!(!holds("of another plugin") && holds("another content"));
        names.iter().for_each(|name| cache.hold(name, name, &code));
        assert!(holds("a") && holds("d") && !holds("e"));
        assert_eq!(cache.held().len(), HELD_MAX);
    }
}
