//! The last version of each plugin that loaded well, kept to serve again after a restart.
//!
//! `<name>.version` holds the content hash of the plugin's version, `<hash>.wasm` its component.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use cap_std::fs::Dir;
use wasmill_model::Name;

use crate::files;

const RECORD: &str = ".version";

/// The directory of kept versions.
#[derive(Debug)]
pub(crate) struct Kept {
    directory: Dir,
}

impl Kept {
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        Ok(Self {
            directory: files::open_directory(directory)?,
        })
    }

    /// Keeps `component` as the version of `name`: first the component, then the record of it.
    pub(crate) fn keep(&self, name: &str, hash: &str, component: &[u8]) -> io::Result<()> {
        let path = component_file(hash);
        // A file of another length is a torn one; the same hash has the same content.
        let length = self.directory.metadata(&path).map(|found| found.len()).ok();
        if length != u64::try_from(component.len()).ok() {
            files::write_whole(&self.directory, &path, &[component])?;
        }
        files::write_whole(
            &self.directory,
            &record_file(name),
            &[hash.as_bytes(), b"\n"],
        )
    }

    /// The version kept for `name`: its hash and its component.
    pub(crate) fn load(&self, name: &str) -> io::Result<(String, Vec<u8>)> {
        let hash = self.hash(name)?;
        let component = self.directory.read(component_file(&hash))?;
        Ok((hash, component))
    }

    /// The names of the plugins that have a version kept.
    pub(crate) fn names(&self) -> io::Result<Vec<Name>> {
        let files = files::names(&self.directory)?;
        let names = files.iter().filter_map(|file| file.strip_suffix(RECORD));
        let mut names: Vec<_> = names.map(Name::from).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Forgets the version of `name`.
    pub(crate) fn forget(&self, name: &str) -> io::Result<()> {
        files::remove(&self.directory, &record_file(name))
    }

    /// Removes components that no record names; returns the hashes that remain.
    pub(crate) fn clean(&self) -> io::Result<HashSet<String>> {
        let names = self.names()?;
        let hashes: io::Result<HashSet<_>> = names.iter().map(|name| self.hash(name)).collect();
        let hashes = hashes?;
        let components: HashSet<_> = hashes.iter().map(|hash| component_file(hash)).collect();
        files::retain(&self.directory, |file| {
            file.ends_with(RECORD) || components.contains(file)
        })?;
        Ok(hashes)
    }

    /// The content hash recorded for `name`.
    fn hash(&self, name: &str) -> io::Result<String> {
        let record = self.directory.read_to_string(record_file(name))?;
        Ok(record.trim_end().to_owned())
    }
}

fn record_file(name: &str) -> String {
    format!("{name}{RECORD}")
}

fn component_file(hash: &str) -> String {
    format!("{hash}.wasm")
}
