//! `wasmill message recall`: delayed messages of a running host.

use clap::{Args, Subcommand};
use http::Method;

use crate::app::{DataApi, Failure, encoded, query, tell};

/// Options of `wasmill message`.
#[derive(Debug, Args)]
pub(super) struct Message {
    #[command(flatten)]
    api: DataApi,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Recall a delayed message: no handler had it, and none will
    Recall {
        /// What `send` told to recall it by; or its id, if a plugin sent it
        id: String,
        /// The plugin that sent it
        #[arg(long, requires = "key")]
        plugin: Option<String>,
        /// The key under which the plugin sent it
        #[arg(long, requires = "plugin")]
        key: Option<String>,
    },
}

impl Message {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Command::Recall { id, plugin, key } = self.command;
        let query = query(&[("plugin", plugin.as_deref()), ("key", key.as_deref())]);
        let path = format!("/v1/messages/{}{query}", encoded(&id));
        self.api.ask(Method::DELETE, &path)?;
        tell("recalled")
    }
}
