//! A plugin's file and its signature's, as commands read them.

use std::fmt;
use std::io;
use std::path::Path;

use anyhow::anyhow;
use serde::Serialize;
use wasmill_component::{Description, PublicKey, Signature};
use wasmill_model::{Name, Routes};
use wasmill_service::reload::signature_of;

use crate::app::{Failure, read_component, read_signature};

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

/// Who signed the component with this hash, by the keys of routes.
pub(super) fn signature(
    path: &Path,
    hash: &str,
    routes: Option<&Routes>,
) -> Result<SignedBy, Failure> {
    let Some(text) = read_signature(path).map_err(unread)? else {
        return Ok(SignedBy::Absent);
    };
    let refused = |error| Failure::config(anyhow!("{}: {error}", signature_of(path).display()));
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
    read_component(path).map_err(unread)
}

/// A file that no host would take has to be another one; why it cannot be read may pass.
fn unread(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::FileTooLarge => Failure::config(error),
        _ => anyhow::Error::from(error).into(),
    }
}
