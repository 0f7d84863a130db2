//! `wasmill schedule list`: messages that a running host sends by itself, and when.

use clap::{Args, Subcommand};
use http::Method;
use serde::Deserialize;

use super::listing::Output;
use super::table;
use crate::app::{DataApi, Failure, tell};

/// Options of `wasmill schedule`.
#[derive(Debug, Args)]
pub(super) struct Schedule {
    #[command(flatten)]
    api: DataApi,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the schedules, with their last and next runs
    List {
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Deserialize)]
struct Schedules {
    schedules: Vec<Shown>,
}

#[derive(Deserialize)]
struct Shown {
    name: String,
    cron: String,
    time_zone: String,
    topic: String,
    key: Option<String>,
    missed: String,
    last: Option<String>,
    next: Option<String>,
}

impl Schedule {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { api, command } = self;
        let Command::List { output } = command;
        output.show(api.ask(Method::GET, "/v1/schedules")?, list)
    }
}

fn list(Schedules { schedules }: Schedules) -> Result<(), Failure> {
    if schedules.is_empty() {
        return tell("no schedules");
    }
    let header = [
        "NAME", "CRON", "ZONE", "TOPIC", "KEY", "MISSED", "LAST", "NEXT",
    ];
    let row = |it: Shown| {
        let [key, last, next] = [it.key, it.last, it.next].map(Option::unwrap_or_default);
        [
            it.name,
            it.cron,
            it.time_zone,
            it.topic,
            key,
            it.missed,
            last,
            next,
        ]
    };
    tell(table::of(header, schedules.into_iter().map(row)))
}
