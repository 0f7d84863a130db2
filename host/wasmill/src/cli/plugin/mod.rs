//! `wasmill plugin`: plugins as sources, as files, and as a running host has them.

mod act;
mod build;
mod candidate;
mod file;
mod fuel;
mod history;
mod inspect;
mod keygen;
mod languages;
mod list;
mod new;
mod sign;
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
    /// Make a key to sign plugins with
    Keygen(keygen::Keygen),
    /// Sign a plugin's file: the signature goes beside it
    Sign(sign::Sign),
    /// List the plugins of a running host, and why one is not in service
    List(list::List),
    /// List the versions of a plugin that a running host keeps
    History(history::History),
    /// Go back to the version of a plugin that served before, or to a given one, until another file comes
    Rollback(act::Choose),
    /// Hold a version of a plugin, whatever files come: the one that serves, or a given one
    Pin(act::Choose),
    /// End a pin: the version of the file comes in
    Unpin(act::Act),
    /// Let a version of a plugin in that is held for what it asks for
    Approve(act::Approve),
    /// Put a disabled plugin back into service
    Enable(act::Act),
    /// Take a plugin out of service until it is enabled; its messages wait
    Disable(act::Act),
    /// Have a version of a plugin handle a share of the keys, and roll it back if it is worse
    Canary(candidate::Canary),
    /// Have a version of a plugin handle live messages for comparison only
    Shadow(candidate::Shadow),
    /// Tell how the canary or shadow of a plugin stands
    Candidate(candidate::Of),
    /// Put the canary of a plugin into service
    Promote(act::Act),
    /// End the canary or shadow of a plugin
    Abort(candidate::Of),
}

impl Plugin {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::New(new) => new.run(),
            Command::Build(build) => build.run(),
            Command::Languages(languages) => languages.run(),
            Command::Inspect(inspect) => inspect.run(),
            Command::Test(test) => test.run(),
            Command::Keygen(keygen) => keygen.run(),
            Command::Sign(sign) => sign.run(),
            Command::List(list) => list.run(),
            Command::History(history) => history.run(),
            Command::Rollback(choose) => choose.run("rollback"),
            Command::Pin(choose) => choose.run("pin"),
            Command::Unpin(act) => act.run("unpin"),
            Command::Approve(approve) => approve.run(),
            Command::Enable(act) => act.run("enable"),
            Command::Disable(act) => act.run("disable"),
            Command::Canary(canary) => canary.run(),
            Command::Shadow(shadow) => shadow.run(),
            Command::Candidate(of) => of.tell(),
            Command::Promote(act) => act.run("promote"),
            Command::Abort(of) => of.abort(),
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
