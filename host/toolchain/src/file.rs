//! Files as others find them: whole, or not at all.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be {action}: {cause}", .path.display())]
pub struct Error {
    path: PathBuf,
    action: &'static str,
    cause: io::Error,
}

impl Error {
    pub(crate) fn new(path: &Path, action: &'static str, cause: io::Error) -> Self {
        let path = path.to_owned();
        Self {
            path,
            action,
            cause,
        }
    }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|cause| Error::new(path, "read", cause))
}

/// Writes a file and the directories above it. It is written beside and renamed: whoever watches
/// it, such as a host its plugins' directory, never finds half of it. If that fails, nothing is left
/// beside.
///
/// # Errors
/// [`Error`] with the file and why; what was there before stays.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(parent) = path.parent() {
        create_dir(parent)?;
    }
    let mut beside = OsString::from(path);
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|cause| {
        // Why it was not written is to be told, rather than what comes of this.
        let _ = fs::remove_file(&beside);
        Error::new(path, "written", cause)
    })
}

/// Writes a file unless it is like this already: compilers go by the times of files.
pub(crate) fn write_changed(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    match fs::read(path) {
        Ok(found) if found == bytes => Ok(()),
        _ => write_whole(path, bytes),
    }
}

/// Makes a directory and those above it.
pub(crate) fn create_dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|cause| Error::new(path, "made", cause))
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(Error::new(path, "removed", cause))
        }
        _ => Ok(()),
    }
}

/// Removes a directory, if there is nothing in it.
pub(crate) fn remove_dir_if_empty(path: &Path) -> Result<(), Error> {
    match fs::remove_dir(path) {
        Err(cause) if cause.kind() != io::ErrorKind::DirectoryNotEmpty => {
            Err(Error::new(path, "removed", cause))
        }
        _ => Ok(()),
    }
}

/// Removes whatever is there: a directory with all that is in it, or a link and not what it leads to.
pub(crate) fn remove_all(path: &Path) -> Result<(), Error> {
    if path.is_symlink() || !path.is_dir() {
        return remove(path);
    }
    fs::remove_dir_all(path).map_err(|cause| Error::new(path, "removed", cause))
}

/// The names in a directory, each with whether it is one of a directory itself, and not of a link.
pub(crate) fn entries(path: &Path) -> Result<Vec<(OsString, bool)>, Error> {
    let unread = |cause| Error::new(path, "read", cause);
    let entries = fs::read_dir(path).map_err(unread)?;
    let entry = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((entry.file_name(), entry.file_type()?.is_dir()))
    };
    entries.map(|it| entry(it).map_err(unread)).collect()
}

/// Whether there is anything but an empty directory.
pub(crate) fn holds_something(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(cause) => cause.kind() != io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_like_this_already_keeps_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file");
        write_changed(&path, b"one").unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH;
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(old).unwrap();
        write_changed(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), old);
        write_changed(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        // Nothing is left beside it.
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("taken");
        fs::create_dir(&directory).unwrap();
        let error = write_whole(&directory, b"text").unwrap_err().to_string();
        assert!(error.contains("taken cannot be written"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
