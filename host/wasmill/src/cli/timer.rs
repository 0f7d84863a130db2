//! `wasmill timer list|show|cancel`: pending timers of a running host.

use clap::{Args, Subcommand};
use http::Method;
use serde::Deserialize;

use super::asking::Asks;
use super::listing::{Page, tell_more};
use super::table;
use crate::app::{DataApi, Failure, encoded, query, tell};

/// What `wasmill timer` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the pending timers of a plugin's key
    List {
        /// The plugin
        plugin: String,
        /// The key
        #[arg(long)]
        key: String,
        #[command(flatten)]
        page: Page,
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
pub(super) struct Which {
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

impl Asks for Command {
    fn ask(self, api: &DataApi) -> Result<(), Failure> {
        match self {
            Self::List { plugin, key, page } => {
                let query = page.query(&[("key", Some(&key))]);
                let path = format!("/v1/timers/{}{query}", encoded(&plugin));
                page.output.show(api.ask(Method::GET, &path)?, print)
            }
            Self::Show { which } => {
                let timer = api.ask(Method::GET, &which.place())?;
                tell(format_args!("{timer:#}"))
            }
            Self::Cancel { which } => {
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
    tell_more(next)
}
