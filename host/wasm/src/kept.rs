//! The last version of each plugin that loaded well, kept to serve again after a restart.
//!
//! `<name>.version` holds the content hash of the plugin's version, `<hash>.wasm` its component.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use wasmill_model::Name;

use crate::{cache, files};

const RECORD: &str = "version";

/// The directory of kept versions.
#[derive(Debug)]
pub(crate) struct Kept {
    directory: PathBuf,
}

impl Kept {
    pub(crate) fn open(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { directory })
    }

    /// Keeps `component` as the version of `name`: first the component, then the record of it.
    pub(crate) fn keep(&self, name: &str, hash: &str, component: &[u8]) -> io::Result<()> {
        let path = self.component(hash);
        // A file of another length is a torn one; the same hash has the same content.
        let length = fs::metadata(&path).map(|found| found.len()).ok();
        if length != u64::try_from(component.len()).ok() {
            files::write_whole(&path, &[component])?;
        }
        files::write_whole(&self.record(name), &[hash.as_bytes(), b"\n"])
    }

    /// The version kept for `name`: its hash and its component.
    pub(crate) fn load(&self, name: &str) -> io::Result<(String, Vec<u8>)> {
        let hash = fs::read_to_string(self.record(name))?.trim_end().to_owned();
        let component = fs::read(self.component(&hash))?;
        Ok((hash, component))
    }

    /// The names of the plugins that have a version kept.
    pub(crate) fn names(&self) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == RECORD)
                && let Some(stem) = path.file_stem().and_then(|stem| stem.to_str())
            {
                names.push(Name::from(stem));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Forgets the version of `name`.
    pub(crate) fn forget(&self, name: &str) -> io::Result<()> {
        files::remove(&self.record(name))
    }

    /// Removes components that no record names; returns the hashes that remain.
    pub(crate) fn clean(&self) -> io::Result<HashSet<String>> {
        let mut hashes = HashSet::new();
        for name in self.names()? {
            hashes.insert(
                fs::read_to_string(self.record(&name))?
                    .trim_end()
                    .to_owned(),
            );
        }
        let components: HashSet<PathBuf> = hashes.iter().map(|hash| self.component(hash)).collect();
        cache::remove_all_but(&self.directory, |path| {
            path.extension()
                .is_some_and(|extension| extension == RECORD)
                || components.contains(path)
        })?;
        Ok(hashes)
    }

    fn record(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.{RECORD}"))
    }

    fn component(&self, hash: &str) -> PathBuf {
        self.directory.join(format!("{hash}.wasm"))
    }
}
