//! `header.json`: what a data directory was created with, and can never change.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{Error, Settings, sync};

/// The format this program writes and reads: of this directory and all in it. 2: checkpoints by
/// partition, and the log in slots. 3: the log's tail. 4: producers' ids by their hash.
const FORMAT: u32 = 4;
const NAME: &str = "header.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    format: u32,
    partitions: u16,
    hash: String,
    created_by: String,
}

/// What every format has, so that one from the future gets a fitting answer.
#[derive(Deserialize)]
struct Version {
    format: u32,
    #[serde(default)]
    created_by: String,
}

impl Header {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            format: FORMAT,
            partitions: settings.partitions,
            hash: settings.hash.clone(),
            created_by: format!("wasmill {}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// Reads the header of the directory at `path`; none if it has none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Error> {
        let name = path.join(NAME);
        let text = match fs::read(&name) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(&name, error)),
        };
        let bad = |cause| Error::BadHeader {
            path: name.clone(),
            cause,
        };
        let version: Version = serde_json::from_slice(&text).map_err(bad)?;
        if version.format != FORMAT {
            return Err(Error::Format {
                path: path.to_path_buf(),
                found: version.format,
                expected: FORMAT,
                created_by: version.created_by,
            });
        }
        serde_json::from_slice(&text).map(Some).map_err(bad)
    }

    /// Refuses settings the directory was not created with.
    pub(super) fn check(&self, path: &Path, settings: &Settings) -> Result<(), Error> {
        let differs = |what, found: String, configured: String| {
            Err(Error::Settings {
                path: path.to_path_buf(),
                what,
                found,
                configured,
            })
        };
        if self.partitions != settings.partitions {
            let (found, configured) = (self.partitions, settings.partitions);
            return differs("partitions", found.to_string(), configured.to_string());
        }
        if self.hash != settings.hash {
            return differs("hash", self.hash.clone(), settings.hash.clone());
        }
        Ok(())
    }

    /// Writes the header so that after a power cut it is there as a whole or not at all.
    pub(super) fn write(&self, path: &Path) -> Result<(), Error> {
        let temporary = path.join("header.json.new");
        let text = serde_json::to_vec_pretty(self).expect("numbers and strings serialise");
        File::create(&temporary)
            .and_then(|mut file| {
                file.write_all(&text)?;
                file.write_all(b"\n")?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&temporary, path.join(NAME)))
            .map_err(|error| Error::io(&temporary, error))?;
        sync(path)
    }
}
