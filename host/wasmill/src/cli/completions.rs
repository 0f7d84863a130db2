//! `wasmill completions SHELL`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use crate::app::{Failure, tell};

/// Options of `wasmill completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell that is to complete commands
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "wasmill", &mut script);
        tell(String::from_utf8_lossy(&script).trim_end())
    }
}
