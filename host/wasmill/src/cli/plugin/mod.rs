//! `wasmill plugin`: plugins as files, without a host.

mod file;
mod inspect;
mod test;

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
    /// Play a scenario through a plugin on a host in memory, and tell what is not as expected
    Test(test::Test),
}

impl Plugin {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Inspect(inspect) => inspect.run(),
            Command::Test(test) => test.run(),
        }
    }
}
