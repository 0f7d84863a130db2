//! `wasmill`: the host of plugins and the tools of its operator.
//!
//! Exit codes: 0 if all went well, 1 if it failed while running, 2 if the command line, the
//! routes or the directories it names are wrong.

mod app;
mod cli;

use std::process::ExitCode;

use clap::Parser;

/// What one thread allocates, another frees, at which glibc's allocator is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = cli::Cli::parse().run();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
