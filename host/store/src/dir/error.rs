//! Why a data directory cannot be used, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something else is at the path, or above it.
    #[error("data directory {path:?}: not a directory: name another, or move the file away")]
    NotADirectory {
        /// What is no directory.
        path: PathBuf,
    },
    /// Another process uses the directory.
    #[error("data directory {path:?}: in use by {holder}: stop it, or name another directory")]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process, as far as it is known.
        holder: String,
    },
    /// The user running this process may not write there.
    #[error("{path:?}: cannot be written ({cause}): give this user write access to it")]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// Reading or writing failed otherwise.
    #[error("{path:?}: {cause}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// There is a database, but nothing that says what it was created for.
    #[error(
        "data directory {path:?}: has a database in db/ but no header.json: restore header.json \
         from a backup, or name an empty directory"
    )]
    NoHeader {
        /// The directory.
        path: PathBuf,
    },
    /// There was a database, and it is gone.
    #[error(
        "data directory {path:?}: has a header and kept plugins but no database in db/: is it \
         mounted? Restore db/ from a backup, or name an empty directory to begin anew"
    )]
    NoDatabase {
        /// The directory.
        path: PathBuf,
    },
    /// The header is not what this program writes.
    #[error("{path:?}: unreadable ({cause}): restore it from a backup of this data directory")]
    BadHeader {
        /// The header.
        path: PathBuf,
        /// Where it stops making sense.
        cause: serde_json::Error,
    },
    /// The directory was written by another version of the program.
    #[error(
        "data directory {path:?}: has format {found}, this program reads format {expected}: use \
         the version that created it ({created_by})"
    )]
    Format {
        /// The directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The format this program reads.
        expected: u32,
        /// What created it.
        created_by: String,
    },
    /// The directory was created with other settings.
    #[error(
        "data directory {path:?}: was created with {what} = {found}, configured is {configured}: \
         this can never change; configure {found}, or name an empty directory"
    )]
    Settings {
        /// The directory.
        path: PathBuf,
        /// The setting.
        what: &'static str,
        /// Its value there.
        found: String,
        /// Its value in the configuration.
        configured: String,
    },
}

impl Error {
    /// Failed input or output on `path`; sorts out the cases an operator can mend.
    pub(super) fn io(path: &Path, cause: io::Error) -> Self {
        let path = path.to_path_buf();
        match cause.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, cause }
            }
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            _ => Self::Io { path, cause },
        }
    }
}
