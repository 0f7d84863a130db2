//! What is mended around sled before it opens: torn snapshots, a torn configuration, and pages that
//! a failed sync left behind.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Removes snapshots that were being written when the process died. sled takes such a file for
/// the newest snapshot and refuses to open; its log holds all that a snapshot does.
pub(super) fn remove_torn_snapshots(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes the configuration of a database whose creation was cut short. sled writes it in two
/// parts, and refuses to open with the first alone. All that it says is what we open sled with.
pub(super) fn remove_torn_configuration(path: &Path) -> io::Result<()> {
    let was_written = match fs::metadata(path.join("db")) {
        Ok(database) => database.len() > 0,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    if was_written {
        return Ok(());
    }
    match fs::remove_file(configuration(path)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Syncs the configuration, as sled does not: without it the database cannot be opened.
pub(super) fn sync_configuration(path: &Path) -> io::Result<()> {
    fs::File::open(configuration(path))?.sync_all()
}

fn configuration(path: &Path) -> PathBuf {
    path.join("conf")
}

/// Writes what can be read of the file at `path` over itself, and syncs it.
///
/// When a sync fails, the kernel takes the pages it could not write for clean: they can be read,
/// and the next sync succeeds without writing them. Only written again they are worth a sync.
pub(super) fn rewrite(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut buffer = vec![0; 1024 * 1024];
    let mut at = 0;
    loop {
        file.seek(SeekFrom::Start(at))?;
        let len = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&buffer[..len])?;
        at += len as u64;
    }
    file.sync_all()
}
