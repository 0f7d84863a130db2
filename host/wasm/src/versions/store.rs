//! The directory of kept versions.
//!
//! `<hash>.wasm` is a version's component, `<name>.history` the [record](super::text) of a plugin, and
//! `<name>.history.copy` the same once more, should that be damaged. Before there were histories,
//! `<name>.version` held the content hash of the only version that was kept; such a file is read as a
//! history of one version, until a record takes its place.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::path::Path;
use std::time::UNIX_EPOCH;

use cap_std::fs::Dir;
use wasmill_component::Manifest;
use wasmill_model::{Millis, Name};

use super::record::{About, Kept, Record};
use super::text::{self, FORMAT, Unfit};
use crate::files::{self, Unwritten};

const RECORD: &str = ".history";
const COPY: &str = ".history.copy";
/// What was there before histories.
const OLD_RECORD: &str = ".version";

/// The directory.
#[derive(Debug)]
pub(super) struct Store {
    directory: Dir,
}

/// What is there of a plugin.
#[derive(Debug)]
pub(super) enum Found {
    /// Its record.
    Whole(Record),
    /// The copy of it, and what is wrong with the record itself.
    Copied(Record, String),
    /// What cannot be read, why, and the remedy.
    Unreadable(String),
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
        Ok(files::write_whole(&self.directory, &[&path], &[component])?)
    }

    pub(super) fn component(&self, hash: &str) -> io::Result<Vec<u8>> {
        self.directory.read(component_file(hash))
    }

    /// Writes the record of a plugin, whole.
    pub(super) fn save(&self, name: &str, record: &Record) -> Result<(), Unwritten> {
        let text = text::write(record);
        // The copy comes into place first: it is never older than the record that it stands in for.
        let names = [COPY, RECORD].map(|kind| format!("{name}{kind}"));
        let [copy, record] = &names;
        files::write_whole(&self.directory, &[copy, record], &[text.as_bytes()])?;
        // Nobody reads it beside a record.
        if let Err(error) = files::remove(&self.directory, &format!("{name}{OLD_RECORD}")) {
            tracing::warn!(plugin = name, %error, "the record of a host of before is still there");
        }
        Ok(())
    }

    /// The plugins of which there is a record.
    pub(super) fn names(&self) -> io::Result<BTreeSet<Name>> {
        let files = files::names(&self.directory)?;
        let plugin = |file: &String| plugin_of(file).map(Name::from);
        Ok(files.iter().filter_map(plugin).collect())
    }

    /// What is there of a plugin.
    pub(super) fn find(&self, name: &str) -> Found {
        let file = format!("{name}{RECORD}");
        let damage = match self.record(&file) {
            Some(Ok(record)) => return Found::Whole(record),
            Some(Err(Unfit::Newer(format))) => {
                return Found::Unreadable(format!(
                    "plugins/{file} in the data directory is of a newer host (its format is {format}, \
                     this host reads {FORMAT}): run that one, or put back from a backup what this \
                     one wrote"
                ));
            }
            Some(Err(Unfit::Damaged(why))) => Some(why),
            None => None,
        };
        match (self.record(&format!("{name}{COPY}")), damage) {
            (None, None) => self.old_record(name),
            (copy, damage) => {
                let damage = damage.unwrap_or_else(|| "it is not there".to_owned());
                let why = format!("plugins/{file} in the data directory is of no use: {damage}");
                match copy {
                    Some(Ok(record)) => Found::Copied(record, why),
                    Some(Err(Unfit::Newer(format))) => Found::Unreadable(format!(
                        "{why}; its copy is of a newer host (its format is {format}, this host reads \
                         {FORMAT}): run that one"
                    )),
                    _ => Found::Unreadable(format!(
                        "{why}; and there is no good copy of it. Put it back from a backup, and the \
                         plugin goes on. If there is none, move it and {name}{COPY} away: this \
                         forgets the plugin's versions, pin and approvals, whether it is disabled, \
                         and which version of its states was written"
                    )),
                }
            }
        }
    }

    /// Removes everything but records and the components of these versions.
    pub(super) fn clean(&self, kept: &HashSet<&str>) -> io::Result<()> {
        files::retain(&self.directory, |file| {
            let component = file.strip_suffix(COMPONENT);
            plugin_of(file).is_some() || component.is_some_and(|hash| kept.contains(hash))
        })
    }

    /// What a file says; none if it is absent.
    fn record(&self, file: &str) -> Option<Result<Record, Unfit>> {
        match self.directory.read(file) {
            Ok(text) => Some(text::read(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(Err(Unfit::Damaged(error.to_string()))),
        }
    }

    fn old_record(&self, name: &str) -> Found {
        let file = format!("{name}{OLD_RECORD}");
        match self.read_old_record(&file) {
            Ok(record) => Found::Whole(record),
            // Nothing is kept of it, or not any more.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Found::Whole(Record::default())
            }
            Err(error) => Found::Unreadable(format!(
                "plugins/{file} in the data directory cannot be read ({error}): put it back from a \
                 backup, or move it away, which forgets which version served"
            )),
        }
    }

    fn read_old_record(&self, file: &str) -> io::Result<Record> {
        let hash = self.directory.read_to_string(file)?.trim_end().to_owned();
        let modified = self.directory.metadata(file)?.modified()?.into_std();
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

/// The plugin whose record a file is, or was, or a copy of it.
fn plugin_of(file: &str) -> Option<&str> {
    let mut kinds = [RECORD, COPY, OLD_RECORD].into_iter();
    kinds.find_map(|kind| file.strip_suffix(kind))
}

const COMPONENT: &str = ".wasm";

fn component_file(hash: &str) -> String {
    format!("{hash}{COMPONENT}")
}
