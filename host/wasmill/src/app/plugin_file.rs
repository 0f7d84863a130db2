//! A plugin's file and its signature's, as far as a host takes them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use wasmill_service::reload::{FILE_BYTES_MAX, SIGNATURE_BYTES_MAX, signature_of};

/// The component in a plugin's file.
///
/// # Errors
/// With the file's name; [`io::ErrorKind::FileTooLarge`] for one that no host takes.
pub(crate) fn component(path: &Path) -> io::Result<Vec<u8>> {
    bounded(path, FILE_BYTES_MAX).map_err(|error| named(path, &error))
}

/// What lies in the file beside it that signs it; none if there is no such file.
///
/// # Errors
/// As [`component`].
pub(crate) fn signature(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let path = signature_of(path);
    match bounded(&path, SIGNATURE_BYTES_MAX) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some).map_err(|error| named(&path, &error)),
    }
}

fn bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path)?
        .take(bytes_max + 1)
        .read_to_end(&mut bytes)?;
    if read as u64 > bytes_max {
        let why = format!("it has more than the {bytes_max} bytes that a host takes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    let text = format!("{} cannot be read: {error}", path.display());
    io::Error::new(error.kind(), text)
}
