//! `wasmill timer list|show|cancel`: pending timers of a running host.

use clap::{Args, Subcommand};
use http::Method;
use serde::Deserialize;

use super::table;
use crate::app::{DataApi, Failure, encoded, query, tell, understood};

/// Options of `wasmill timer`.
#[derive(Debug, Args)]
pub(super) struct Timer {
    #[command(flatten)]
    api: DataApi,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the pending timers of a plugin's key
    List {
        /// The plugin
        plugin: String,
        /// The key
        #[arg(long)]
        key: String,
        /// Only those whose names come after this one
        #[arg(long, value_name = "NAME")]
        after: Option<String>,
        /// How many at most
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Print the host's JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a pending timer with its body, as JSON
    Show {
        #[command(flatten)]
        which: Which,
    },
    /// Cancel a timer: no handler had it, and none will
    Cancel {
        #[command(flatten)]
        which: Which,
    },
}

/// One timer.
#[derive(Debug, Args)]
struct Which {
    /// The plugin
    plugin: String,
    /// The timer's name
    name: String,
    /// The key
    #[arg(long)]
    key: String,
}

#[derive(Deserialize)]
struct Timers {
    timers: Vec<Pending>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Pending {
    name: String,
    due: String,
    message: Alarm,
}

#[derive(Deserialize)]
struct Alarm {
    id: String,
    topic: String,
}

impl Timer {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { api, command } = self;
        match command {
            Command::List {
                plugin,
                key,
                after,
                limit,
                json,
            } => {
                let limit = limit.to_string();
                let query = query(&[
                    ("key", Some(&key)),
                    ("after", after.as_deref()),
                    ("limit", Some(&limit)),
                ]);
                let path = format!("/v1/timers/{}{query}", encoded(&plugin));
                let timers = api.ask(Method::GET, &path)?;
                match json {
                    true => tell(format_args!("{timers:#}")),
                    false => print(understood(timers)?),
                }
            }
            Command::Show { which } => {
                let timer = api.ask(Method::GET, &which.place())?;
                tell(format_args!("{timer:#}"))
            }
            Command::Cancel { which } => {
                api.ask(Method::DELETE, &which.place())?;
                tell("cancelled")
            }
        }
    }
}

impl Which {
    fn place(&self) -> String {
        let query = query(&[("key", Some(&self.key))]);
        let (plugin, name) = (encoded(&self.plugin), encoded(&self.name));
        format!("/v1/timers/{plugin}/{name}{query}")
    }
}

fn print(Timers { timers, next }: Timers) -> Result<(), Failure> {
    if timers.is_empty() {
        return tell("no pending timers");
    }
    let row = |it: Pending| [it.name, it.due, it.message.topic, it.message.id];
    let header = ["NAME", "DUE", "TOPIC", "MESSAGE"];
    tell(table::of(header, timers.into_iter().map(row)))?;
    match next {
        Some(next) => tell(format_args!("more: --after {next}")),
        None => Ok(()),
    }
}
