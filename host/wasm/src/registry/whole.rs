//! Whether the content of kept versions is what it was: read once, and again only once its file has
//! changed.
//!
//! Whoever asks for it over and over keeps neither the disk nor a core busy. A disk that loses bits
//! without a word is found out when the host has started anew, or a version is loaded.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Registry;
use super::load::{blocking, damaged, unreadable};

/// What was found of kept content, by its hash.
#[derive(Default)]
pub(crate) struct Wholes {
    /// One content is read at a time, whoever asks: the others find what came of it.
    turn: Arc<tokio::sync::Mutex<()>>,
    // Never held while anything is read.
    found: Mutex<HashMap<String, Found>>,
}

/// What a file was when it was read.
struct Found {
    stamp: Stamp,
    is_whole: bool,
}

/// What changes with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// In seconds and nanoseconds, as the next one.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Registry {
    /// What is wrong with the content of a version that is kept; none if nothing is. Read again only
    /// if its file is not the one that was read last.
    pub(super) async fn damage(&self, hash: &str) -> Option<String> {
        // It goes with what reads: whoever asks and goes away does not make room for another reader.
        let turn = self.host.wholes.turn.clone().lock_owned().await;
        let (host, wanted) = (self.host.clone(), hash.to_owned());
        blocking(move || {
            let _turn = turn;
            let path = host.kept_file(&wanted);
            let read = || host.read_whole(&wanted).map(|bytes| bytes.is_some());
            match host.wholes.is_whole(&path, &wanted, read) {
                Ok(true) => None,
                Ok(false) => Some(damaged(&wanted)),
                Err(error) => Some(unreadable(&wanted, &error)),
            }
        })
        .await
    }
}

impl Wholes {
    /// Whether the content at `path` is what its `hash` says, by `read` if that is not known.
    ///
    /// # Errors
    /// The error of reading it, which is not remembered: it may pass.
    fn is_whole(
        &self,
        path: &Path,
        hash: &str,
        read: impl FnOnce() -> io::Result<bool>,
    ) -> io::Result<bool> {
        // Before it is read: what is written meanwhile has another one.
        let stamp = Stamp::of(&fs::metadata(path)?);
        if let Some(found) = self.found().get(hash)
            && found.stamp == stamp
        {
            return Ok(found.is_whole);
        }
        let is_whole = read()?;
        self.found()
            .insert(hash.to_owned(), Found { stamp, is_whole });
        Ok(is_whole)
    }

    /// Forgets what is not kept any more.
    pub(super) fn retain(&self, is_kept: impl Fn(&str) -> bool) {
        self.found().retain(|hash, _| is_kept(hash));
    }

    fn found(&self) -> MutexGuard<'_, HashMap<String, Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use wasmill_model::Millis;
    use wasmill_port::Clock;

    use super::super::Config;
    use super::super::load::content_hash;
    use super::*;

    /// A registry over a directory in which this content is kept under its hash.
    fn keeping(content: &[u8]) -> (Arc<Registry>, TempDir, String) {
        let data = tempfile::tempdir().expect("a temporary directory");
        let config = Config::new(data.path().to_owned());
        let registry = Registry::new(config, Arc::new(NoClock), Arc::default());
        let (registry, hash) = (registry.expect("a registry"), content_hash(content));
        let kept = registry.host.versions.keep(&hash, content);
        kept.expect("there is room");
        (registry, data, hash)
    }

    /// Makes what was found of the only content the opposite: whoever is told that did not read it.
    fn falsify(registry: &Registry) {
        for found in registry.host.wholes.found().values_mut() {
            found.is_whole = !found.is_whole;
        }
    }

    #[tokio::test]
    async fn content_is_read_again_only_once_its_file_has_changed() {
        let (registry, _data, hash) = keeping(b"a component");
        assert_eq!(registry.damage(&hash).await, None);
        falsify(&registry);
        for _ in 0..3 {
            let told = registry.damage(&hash).await;
            assert_eq!(told, Some(damaged(&hash)), "it is not read");
        }
        let path = registry.host.kept_file(&hash);
        fs::write(&path, "another").expect("written");
        falsify(&registry);
        assert_eq!(registry.damage(&hash).await, Some(damaged(&hash)));
        falsify(&registry);
        assert_eq!(registry.damage(&hash).await, None, "nor is this one");
        fs::remove_file(&path).expect("it is there");
        let told = registry.damage(&hash).await.expect("it is gone");
        assert!(told.contains("is not there"), "{told}");
        let kept = registry.host.versions.keep(&hash, b"a component");
        kept.expect("it is back");
        assert_eq!(registry.damage(&hash).await, None);
        falsify(&registry);
        assert_eq!(registry.damage(&hash).await, Some(damaged(&hash)));
    }

    #[tokio::test]
    async fn what_was_found_goes_with_the_version() {
        let (registry, _data, hash) = keeping(b"a component");
        assert_eq!(registry.damage(&hash).await, None);
        // No record names it.
        registry.host.clean().expect("the directory is there");
        assert!(registry.host.wholes.found().is_empty());
    }

    /// Nobody asks for the time.
    struct NoClock;

    impl Clock for NoClock {
        fn now(&self) -> Millis {
            Millis(0)
        }

        fn raise(&self, _floor: Millis) {}
    }
}
