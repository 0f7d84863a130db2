//! `wasmill schedule list`: messages that a running host sends by itself, and when.

use clap::Subcommand;
use http::Method;
use serde::Deserialize;

use super::asking::Asks;
use super::listing::Output;
use super::table;
use crate::app::{DataApi, Failure, tell};

/// What `wasmill schedule` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
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

impl Asks for Command {
    fn ask(self, api: &DataApi) -> Result<(), Failure> {
        let Self::List { output } = self;
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
