//! The command line: one file a command.

mod check;
mod dlq;
mod openapi;
mod send;
mod serve;
mod sub;
mod table;
mod tx;
mod version;

use clap::{Parser, Subcommand};

use crate::app::Failure;

/// Hosts WebAssembly plugins on a durable engine.
#[derive(Debug, Parser)]
#[command(name = "wasmill", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the routes with the plugins of a directory
    Serve(serve::Serve),
    /// Check a routes file, and that plugins load, without serving
    Check(check::Check),
    /// Send a message to a running host
    Send(send::Send),
    /// List, show, redrive or purge the dead letters of a running host
    Dlq(dlq::Dlq),
    /// List the subscriptions of a running host, and set halted keys going again
    Sub(sub::Sub),
    /// List, show, commit or roll back the transactions of a running host
    Tx(tx::Tx),
    /// Print the OpenAPI document of the data API
    Openapi,
    /// Print the version
    Version,
}

impl Cli {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Check(check) => check.run(),
            Command::Send(send) => send.run(),
            Command::Dlq(dlq) => dlq.run(),
            Command::Sub(sub) => sub.run(),
            Command::Tx(tx) => tx.run(),
            Command::Openapi => openapi::run(),
            Command::Version => version::run(),
        }
    }
}
