//! `wasmill plugin sign FILE --key FILE`: a signature beside a plugin's file.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use wasmill_component::SecretKey;
use wasmill_service::reload::signature_of;
use wasmill_toolchain::write_whole;

use super::file::describe;
use crate::app::{Failure, tell};

/// Options of `wasmill plugin sign`.
#[derive(Debug, Args)]
pub(super) struct Sign {
    /// The component
    file: PathBuf,
    /// The file with the secret key, as `wasmill plugin keygen` made it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl Sign {
    pub(super) fn run(self) -> Result<(), Failure> {
        let path = self.key.display();
        let text = fs::read(&self.key).with_context(|| format!("cannot read {path}"));
        let key = SecretKey::parse(&text.map_err(Failure::config)?);
        let key = key.map_err(|error| Failure::config(anyhow!("{path}: {error}")))?;
        let hash = describe(&self.file)?.hash;
        let signature = signature_of(&self.file);
        // Whole, since it may lie in a directory that a host watches.
        let text = format!("{}\n", key.sign(&hash));
        write_whole(&signature, text.as_bytes()).map_err(anyhow::Error::from)?;
        let path = signature.display();
        tell(format_args!(
            "{path}: version {hash}, signed with {}",
            key.public()
        ))
    }
}
