//! `wasmill plugin keygen FILE`: a key to sign plugins with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use wasmill_component::{KEY_BYTES, SecretKey};

use crate::app::{Failure, tell};

/// Options of `wasmill plugin keygen`.
#[derive(Debug, Args)]
pub(super) struct Keygen {
    /// Where the secret key goes: a new file, which only you can read
    file: PathBuf,
}

impl Keygen {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut bytes = [0; KEY_BYTES];
        let filled = getrandom::fill(&mut bytes);
        filled.map_err(|error| anyhow!("the system gives no random bytes: {error}"))?;
        let key = SecretKey::new(&bytes);
        let options = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .clone();
        let path = self.file.display();
        let cannot = || format!("{path} cannot be written");
        let file = options.open(&self.file).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => anyhow!(
                "{path} is there already, and a key that is overwritten is lost: name a new file"
            ),
            _ => anyhow::Error::new(error).context(cannot()),
        });
        let mut file = file.map_err(Failure::config)?;
        writeln!(file, "{}", key.text()).with_context(cannot)?;
        file.sync_all().with_context(cannot)?;
        tell("# for the routes of hosts that are to trust it, under a name of your choice:")?;
        tell(format_args!("[signatures.keys]\nme = \"{}\"", key.public()))
    }
}
