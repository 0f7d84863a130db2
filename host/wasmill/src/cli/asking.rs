//! The commands that ask a running host, and have commands of their own.

use clap::{Args, Subcommand};

use crate::app::{DataApi, Failure};

/// Options of such a command.
#[derive(Debug, Args)]
pub(super) struct Asking<C: Subcommand> {
    #[command(flatten)]
    api: DataApi,
    #[command(subcommand)]
    command: C,
}

/// What is asked.
pub(super) trait Asks {
    /// Asks for it, and prints the answer.
    fn ask(self, api: &DataApi) -> Result<(), Failure>;
}

impl<C: Subcommand + Asks> Asking<C> {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.command.ask(&self.api)
    }
}
