//! The command line: one file a command.

mod asking;
mod check;
mod completions;
mod dlq;
mod lines;
mod listing;
mod message;
mod openapi;
mod outgoing;
mod plugin;
mod request;
mod schedule;
mod send;
mod serve;
mod story;
mod sub;
mod table;
mod timer;
mod topic;
mod trace;
mod tx;
mod version;

use clap::{Parser, Subcommand};

use self::asking::Asking;
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
    /// Send a message to a running host, and wait for the reply
    Request(request::Request),
    /// List, show or cancel the pending timers of a running host
    Timer(Asking<timer::Command>),
    /// List, show, preview, redrive or purge the dead letters of a running host
    Dlq(Asking<dlq::Command>),
    /// List the subscriptions of a running host, show and move their positions, resume halted keys
    Sub(Asking<sub::Command>),
    /// Prepare, commit, roll back or list the transactions of a running host
    Tx(Asking<tx::Command>),
    /// Print a script with which a shell completes commands
    Completions(completions::Completions),
    /// Print the OpenAPI document of the data API
    Openapi,
    /// Look up messages of a running host, and what became of them
    Message(Asking<message::Command>),
    /// Tell the story of a flow of messages, or of all flows of a key, as a tree
    Trace(trace::TraceFlow),
    /// List the schedules of a running host
    Schedule(Asking<schedule::Command>),
    /// List or show the topics of a running host: policies, quotas, and who receives
    Topic(Asking<topic::Command>),
    /// Make, build and test plugins, look into their files, and manage their versions on a running host
    Plugin(plugin::Plugin),
    /// Print the version
    Version,
}

impl Cli {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Check(check) => check.run(),
            Command::Send(send) => send.run(),
            Command::Request(request) => request.run(),
            Command::Timer(timer) => timer.run(),
            Command::Dlq(dlq) => dlq.run(),
            Command::Sub(sub) => sub.run(),
            Command::Tx(tx) => tx.run(),
            Command::Completions(completions) => completions.run(),
            Command::Openapi => openapi::run(),
            Command::Message(message) => message.run(),
            Command::Trace(trace) => trace.run(),
            Command::Schedule(schedule) => schedule.run(),
            Command::Topic(topic) => topic.run(),
            Command::Plugin(plugin) => plugin.run(),
            Command::Version => version::run(),
        }
    }
}
