//! `wasmill plugin inspect`: plugins as files, without a host.

mod inspect;

use clap::{Args, Subcommand};

use crate::app::Failure;

/// Options of `wasmill plugin`.
#[derive(Debug, Args)]
pub(super) struct Plugin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell what a plugin's file is, asks for, imports and exports, and how it differs from another
    Inspect(inspect::Inspect),
}

impl Plugin {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Inspect(inspect) => inspect.run(),
        }
    }
}
