//! The data directory: who may use it, and what it was created for.
//!
//! `LOCK` keeps a second process out, `header.json` what can never change, `db/` the database,
//! `plugins/`, `cache/` and `files/` what their names say.

mod error;
mod header;
mod lock;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use wasmill_model::Partitioner;

pub use self::error::Error;
use self::header::Header;
pub(crate) use self::lock::Lock;

/// What a data directory is created with, and checked against when it is opened again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The number of partitions.
    pub partitions: u16,
    /// The name of the hash that maps keys to partitions.
    pub hash: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            partitions: 64,
            hash: Partitioner::HASH.to_owned(),
        }
    }
}

/// An opened data directory. It stays locked until this and all stores opened in it are dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: Arc<Lock>,
    settings: Settings,
}

impl DataDir {
    /// Opens the data directory at `path`, or creates it if there is none.
    pub fn open(path: impl AsRef<Path>, settings: Settings) -> Result<Self, Error> {
        let path = path.as_ref().to_path_buf();
        create(&path)?;
        let lock = Arc::new(Lock::acquire(&path)?);
        match Header::read(&path)? {
            Some(header) => {
                header.check(&path, &settings)?;
                // A plugin is kept only after the database was there. Without one this directory
                // may be as new as it looks.
                if has_entries(&path.join("plugins"))? && !has_entries(&path.join("db"))? {
                    return Err(Error::NoDatabase { path });
                }
            }
            None if has_entries(&path.join("db"))? => return Err(Error::NoHeader { path }),
            None => Header::new(&settings).write(&path)?,
        }
        for name in ["db", "plugins", "cache", "files"] {
            create(&path.join(name))?;
        }
        sync(&path)?;
        Ok(Self {
            path,
            lock,
            settings,
        })
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the directory was created with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The database's directory.
    #[must_use]
    pub fn db(&self) -> PathBuf {
        self.path.join("db")
    }

    /// Where the last plugins that loaded well are kept.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.path.join("plugins")
    }

    /// Where compiled code is kept: may be deleted at any time.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.path.join("cache")
    }

    /// Where the plugins' own directories are.
    #[must_use]
    pub fn files(&self) -> PathBuf {
        self.path.join("files")
    }

    /// Keeps the directory locked for as long as it is held.
    pub(crate) fn lock(&self) -> Arc<Lock> {
        Arc::clone(&self.lock)
    }
}

fn create(path: &Path) -> Result<(), Error> {
    match fs::create_dir_all(path) {
        Ok(()) => Ok(()),
        // The path, or one above it, is taken by something that is no directory.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory
            ) =>
        {
            Err(Error::NotADirectory {
                path: path.to_path_buf(),
            })
        }
        Err(error) => Err(Error::io(path, error)),
    }
}

/// Whether there is anything in `directory`.
fn has_entries(directory: &Path) -> Result<bool, Error> {
    match fs::read_dir(directory) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io(directory, error)),
    }
}

/// Makes the names in `directory` survive a power cut.
pub(crate) fn sync(directory: &Path) -> Result<(), Error> {
    fs::File::open(directory)
        .and_then(|file| file.sync_all())
        .map_err(|error| Error::io(directory, error))
}
