//! A plugin's file and its signature's, as commands read them.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::Serialize;
use wasmill_component::{Description, PublicKey, Signature};
use wasmill_model::{Name, Routes};
use wasmill_service::reload::FILE_BYTES_MAX;

use crate::app::Failure;

/// Whose signature lies beside a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "by")]
pub(super) enum SignedBy {
    /// There is none.
    Absent,
    /// There is one, and no keys were given to look it up in.
    Unchecked,
    /// It is of another file, or of a key that was not given.
    Unknown,
    /// It is of this key.
    Key(Name),
}

impl fmt::Display for SignedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("none"),
            Self::Unchecked => f.write_str("not checked: name a routes file with --routes"),
            Self::Unknown => {
                f.write_str("of another file, or of a key that the routes do not name")
            }
            Self::Key(name) => write!(f, "by {name}"),
        }
    }
}

/// Where the signature of a file is.
pub(super) fn signature_of(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(".sig");
    path.into()
}

/// Who signed the component with this hash, by the keys of routes.
pub(super) fn signature(
    path: &Path,
    hash: &str,
    routes: Option<&Routes>,
) -> Result<SignedBy, Failure> {
    let path = signature_of(path);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(SignedBy::Absent),
        read => read.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    let refused = |error| Failure::config(anyhow!("{}: {error}", path.display()));
    let signature = Signature::parse(&text).map_err(refused)?;
    let Some(routes) = routes else {
        return Ok(SignedBy::Unchecked);
    };
    let mut keys = routes.signatures.keys.iter();
    let signer = keys.find(|(_, key)| {
        let key = PublicKey::new(key);
        key.is_ok_and(|key| key.has_signed(hash, &signature))
    });
    Ok(signer.map_or(SignedBy::Unknown, |(name, _)| SignedBy::Key(name.clone())))
}

/// Describes the component in a file.
pub(super) fn describe(path: &Path) -> Result<Description, Failure> {
    let refused = |error| Failure::config(anyhow!("{}: {error}", path.display()));
    Description::of(&read(path)?).map_err(refused)
}

/// The bytes of a plugin's file, as far as a host would take them.
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
