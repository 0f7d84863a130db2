//! Files that are whole or absent, whatever happens, and never outside their directory.

use std::io::{self, Write};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

/// Opens the directory at `path`, created if it is absent. From here on names are relative to
/// it, and none, nor any link in it, leads out.
pub(crate) fn open_directory(path: &Path) -> io::Result<Dir> {
    std::fs::create_dir_all(path)?;
    Dir::open_ambient_dir(path, ambient_authority())
}

/// Why files were not written.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub(crate) struct Unwritten {
    cause: io::Error,
    /// Some may have been replaced, and that may not last.
    pub(crate) begun: bool,
}

impl From<Unwritten> for io::Error {
    fn from(unwritten: Unwritten) -> Self {
        unwritten.cause
    }
}

/// Writes `content` beside each of `names`, syncs it, and renames it into place. No name is replaced
/// before all are written, and then one after the other. What fails leaves nothing beside them.
pub(crate) fn write_whole(
    directory: &Dir,
    names: &[&str],
    content: &[&[u8]],
) -> Result<(), Unwritten> {
    let mut begun = false;
    let bytes: usize = content.iter().map(|part| part.len()).sum();
    let written = check_room(directory, (bytes * names.len()) as u64)
        .and_then(|()| {
            let mut names = names.iter();
            names.try_for_each(|name| write(directory, &partial(name), content))
        })
        .and_then(|()| put_in_place(directory, names, &mut begun));
    written.map_err(|cause| {
        for name in names {
            // It takes room where there may be none; if it stays, it is written over.
            let _ = directory.remove_file(partial(name));
        }
        Unwritten { cause, begun }
    })
}

/// Whether there is room for so much. What is known not to fit would else take what room there is from
/// everybody, each time that it is tried.
fn check_room(directory: &Dir, bytes: u64) -> io::Result<()> {
    // Some file systems do not tell; and where nothing is free, nothing is taken by trying.
    let Ok(disk) = rustix::fs::fstatvfs(directory) else {
        return Ok(());
    };
    // What is kept for the superuser counts: that may be this process.
    let free = disk.f_bfree.saturating_mul(disk.f_frsize);
    match (1..bytes).contains(&free) {
        false => Ok(()),
        // The same each time, as long as it is the same that does not fit.
        true => Err(io::Error::new(
            io::ErrorKind::StorageFull,
            format!("it needs {bytes} bytes, more than are free on the disk"),
        )),
    }
}

fn put_in_place(directory: &Dir, names: &[&str], begun: &mut bool) -> io::Result<()> {
    for name in names {
        directory.rename(partial(name), directory, name)?;
        *begun = true;
    }
    sync(directory)
}

/// What is written beside `name`.
fn partial(name: &str) -> String {
    format!("{name}.partial")
}

fn write(directory: &Dir, name: &str, content: &[&[u8]]) -> io::Result<()> {
    let mut file = directory.create(name)?;
    for part in content {
        file.write_all(part)?;
    }
    file.sync_all()
}

/// Removes `name`; nothing happens if it is absent.
pub(crate) fn remove(directory: &Dir, name: &str) -> io::Result<()> {
    match directory.remove_file(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync(directory),
    }
}

/// The names in `directory` that are text.
pub(crate) fn names(directory: &Dir) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in directory.entries()? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

/// Removes what is not `wanted`.
pub(crate) fn retain(directory: &Dir, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    let names = names(directory)?;
    names
        .iter()
        .filter(|name| !wanted(name))
        .try_for_each(|name| remove(directory, name))
}

/// Makes renames and removals durable.
fn sync(directory: &Dir) -> io::Result<()> {
    // Opened anew: a `Dir` is only a path to the kernel, which cannot be synced.
    directory.open(".")?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_is_not_begun() {
        let folder = tempfile::tempdir().expect("a directory");
        let directory = open_directory(folder.path()).expect("opened");
        check_room(&directory, 1).expect("there is room");
        let full = check_room(&directory, u64::MAX).expect_err("no disk is so large");
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }
}
