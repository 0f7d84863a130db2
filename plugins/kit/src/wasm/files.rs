//! Files in the directory that the operator granted, seen as `/`.

use std::fs::{self, File};
use std::io::{self, Write};

use super::Wasm;
use crate::Files;

impl Files for Wasm {
    fn write_file(&mut self, name: &str, content: &[u8]) -> Result<(), String> {
        write(name, content).map_err(|error| {
            format!("cannot write `{name}`: {error}; is `files` granted to this plugin?")
        })
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
