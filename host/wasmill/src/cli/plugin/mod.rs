//! `wasmill plugin`: plugins as sources and as files, without a host.

mod build;
mod file;
mod inspect;
mod languages;
mod new;
mod test;

use clap::{Args, Subcommand};
use wasmill_toolchain::Error;

use crate::app::Failure;

/// Options of `wasmill plugin`.
#[derive(Debug, Args)]
pub(super) struct Plugin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new plugin's directory: an example to change, in a language of your choice
    New(new::New),
    /// Compile a plugin's directory to the component that hosts take
    Build(build::Build),
    /// List the languages that plugins can be written in, and what is missing here to build them
    Languages(languages::Languages),
    /// Tell what a plugin's file is, asks for, imports and exports, and how it differs from another
    Inspect(inspect::Inspect),
    /// Play a scenario through a plugin on a host in memory, and tell what is not as expected
    Test(test::Test),
}

impl Plugin {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::New(new) => new.run(),
            Command::Build(build) => build.run(),
            Command::Languages(languages) => languages.run(),
            Command::Inspect(inspect) => inspect.run(),
            Command::Test(test) => test.run(),
        }
    }
}

/// Sources that were told wrong are the command line's to mend; a compiler's errors are not.
fn failed(error: Error) -> Failure {
    match error.is_of_what_was_told() {
        true => Failure::config(error),
        false => anyhow::Error::from(error).into(),
    }
}
