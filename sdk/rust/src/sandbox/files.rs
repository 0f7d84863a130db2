//! Files in the directory that the operator granted, seen as `/`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};

use super::Sandbox;
use crate::Files;

impl Files for Sandbox {
    fn write_file(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        write(name, content).map_err(|error| explained("write", name, &error))
    }

    fn read_file(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(format!("/{name}")) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(explained("read", name, &error)),
        }
    }
}

/// Writes beside the file and renames, so that a reader never sees half of it, and syncs first:
/// the commit that says it was written must not outlive it.
fn write(name: &str, content: &[u8]) -> io::Result<()> {
    let partial = format!("/.{name}.partial");
    let mut file = File::create(&partial)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(partial, format!("/{name}"))
}

fn explained(what: &str, name: &str, error: &io::Error) -> io::Error {
    let text = format!("cannot {what} `{name}`: {error}; is `files` granted to this plugin?");
    io::Error::new(error.kind(), text)
}
