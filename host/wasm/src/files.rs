//! Files that are whole or absent, whatever happens.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Writes `content` beside `path`, syncs it, and renames it into place.
pub(crate) fn write_whole(path: &Path, content: &[&[u8]]) -> io::Result<()> {
    let partial = path.with_added_extension("partial");
    let mut file = File::create(&partial)?;
    for part in content {
        file.write_all(part)?;
    }
    file.sync_all()?;
    fs::rename(&partial, path)?;
    sync_parent(path)
}

/// Removes `path`; nothing happens if it is absent.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_parent(path),
    }
}

/// Makes a rename or removal durable.
fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}
