//! What is mended around sled before it opens: torn snapshots, and pages that a failed sync left
//! behind.

use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    path::Path,
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
