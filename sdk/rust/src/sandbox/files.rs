//! Files in the directory that the operator granted, seen as `/`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Sandbox;
use crate::{Files, Host};

impl Files for Sandbox {
    fn write_file(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        // Handlers of other keys may write the same file at the same time.
        let partial = format!(".{}.partial", self.random_id());
        write(name, &partial, content).map_err(|error| explained("write", name, &error))
    }

    fn read_file(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(path(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(explained("read", name, &error)),
        }
    }
}

/// Writes beside the file and renames, so that a reader never sees half of it, and syncs first:
/// the commit that says it was written must not outlive it.
fn write(name: &str, partial: &str, content: &[u8]) -> io::Result<()> {
    let whole = path(name);
    let directory = whole.parent().unwrap_or(Path::new("/"));
    let partial = directory.join(partial);
    let written = write_synced(&partial, content).and_then(|()| fs::rename(&partial, &whole));
    if written.is_err() {
        // The error that is told is the first one.
        let _ = fs::remove_file(&partial);
    }
    written?;
    File::open(directory)?.sync_all()
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn path(name: &str) -> PathBuf {
    Path::new("/").join(name)
}

fn explained(what: &str, name: &str, error: &io::Error) -> io::Error {
    let text = format!("cannot {what} `{name}`: {error}; is `files` granted to this plugin?");
    io::Error::new(error.kind(), text)
}
