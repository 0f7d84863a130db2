//! Plugins' files, read as far as a host would take them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, anyhow};
use wasmill_service::reload::FILE_BYTES_MAX;

use crate::app::Failure;

/// The bytes of a plugin's file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = || format!("{} cannot be read", path.display());
    let file = File::open(path).with_context(cannot)?;
    let mut bytes = Vec::new();
    // As much as a host takes.
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    if read.with_context(cannot)? as u64 > FILE_BYTES_MAX {
        let why = anyhow!("{} has more than {FILE_BYTES_MAX} bytes", path.display());
        return Err(Failure::config(why));
    }
    Ok(bytes)
}
