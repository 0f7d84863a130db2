//! The directory of kept versions.
//!
//! `<hash>.wasm` is a version's component, `<name>.history` the record of a plugin as JSON. Before
//! there were histories, `<name>.version` held the content hash of the only version that was kept;
//! such a file is read as a history of one version, until a record takes its place.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use cap_std::fs::Dir;
use wasmill_component::Manifest;
use wasmill_model::{Millis, Name};

use super::record::{About, Kept, Record};
use crate::files;

const RECORD: &str = ".history";
/// What was there before histories.
const OLD_RECORD: &str = ".version";

/// The directory.
#[derive(Debug)]
pub(super) struct Store {
    directory: Dir,
}

impl Store {
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        Ok(Self {
            directory: files::open_directory(directory)?,
        })
    }

    /// Keeps a component.
    pub(super) fn keep(&self, hash: &str, component: &[u8]) -> io::Result<()> {
        let path = component_file(hash);
        // Compared whole: what was torn or damaged is written anew.
        let found = self.directory.read(&path);
        if found.is_ok_and(|found| found == component) {
            return Ok(());
        }
        files::write_whole(&self.directory, &path, &[component])
    }

    pub(super) fn component(&self, hash: &str) -> io::Result<Vec<u8>> {
        self.directory.read(component_file(hash))
    }

    /// Writes the record of a plugin, whole.
    pub(super) fn save(&self, name: &str, record: &Record) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(record).map_err(io::Error::other)?;
        files::write_whole(&self.directory, &format!("{name}{RECORD}"), &[&text])?;
        files::remove(&self.directory, &format!("{name}{OLD_RECORD}"))
    }

    /// All records.
    pub(super) fn records(&self) -> io::Result<BTreeMap<Name, Arc<Record>>> {
        let files = files::names(&self.directory)?;
        let mut records = BTreeMap::new();
        for name in files
            .iter()
            .filter_map(|file| file.strip_suffix(OLD_RECORD))
        {
            records.insert(Name::from(name), Arc::new(self.old_record(name)?));
        }
        for file in &files {
            if let Some(name) = file.strip_suffix(RECORD) {
                records.insert(Name::from(name), Arc::new(self.record(file)?));
            }
        }
        Ok(records)
    }

    /// Removes everything but records and the components of these versions.
    pub(super) fn clean(&self, kept: &HashSet<&str>) -> io::Result<()> {
        files::retain(&self.directory, |file| {
            let component = file.strip_suffix(COMPONENT);
            let is_record = file.ends_with(RECORD) || file.ends_with(OLD_RECORD);
            is_record || component.is_some_and(|hash| kept.contains(hash))
        })
    }

    fn record(&self, file: &str) -> io::Result<Record> {
        let text = self.directory.read(file)?;
        serde_json::from_slice(&text).map_err(|error| {
            let what = format!(
                "{file} is damaged ({error}): put it back from a backup, or remove it, which \
                 forgets the versions of that plugin"
            );
            io::Error::new(io::ErrorKind::InvalidData, what)
        })
    }

    fn old_record(&self, name: &str) -> io::Result<Record> {
        let file = format!("{name}{OLD_RECORD}");
        let hash = self.directory.read_to_string(&file)?.trim_end().to_owned();
        let modified = self.directory.metadata(&file)?.modified()?.into_std();
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        // A damaged component is told of when it is to serve.
        let component = self.component(&hash).unwrap_or_default();
        let mut version = Kept::new(hash, component.len(), at);
        version.learn(About {
            manifest: Manifest::read(&component).ok().flatten(),
            // No host of that time knew of it.
            migrates: false,
        });
        Ok(Record::of_one(version, at))
    }
}

const COMPONENT: &str = ".wasm";

fn component_file(hash: &str) -> String {
    format!("{hash}{COMPONENT}")
}
