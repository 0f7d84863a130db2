//! `wasmill plugin list`: the plugins of a running host, and how they stand.

use clap::Args;
use http::Method;
use serde::Deserialize;

use super::super::listing::Output;
use super::super::table::{self, printable};
use crate::app::{DataApi, Failure, tell};

/// Digits of a version's hash that are shown.
const DIGITS: usize = 12;

/// Options of `wasmill plugin list`.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    api: DataApi,
    #[command(flatten)]
    output: Output,
}

#[derive(Deserialize)]
struct Plugins {
    plugins: Vec<Plugin>,
}

/// A plugin, and how it stands.
#[derive(Deserialize)]
pub(super) struct Plugin {
    name: String,
    status: String,
    current: Option<String>,
    version: Option<String>,
    pinned: Option<String>,
    held: Option<Held>,
    refused: Option<Refused>,
    waits: Option<String>,
    compiling_since: Option<String>,
    calls: u64,
    failed: u64,
}

#[derive(Deserialize)]
struct Held {
    version: String,
    reasons: Vec<String>,
}

#[derive(Deserialize)]
struct Refused {
    reason: String,
}

impl List {
    pub(super) fn run(self) -> Result<(), Failure> {
        let answer = self.api.ask(Method::GET, "/v1/plugins")?;
        self.output
            .show(answer, |Plugins { plugins }| match plugins.is_empty() {
                true => tell("no plugins"),
                false => show(&plugins),
            })
    }
}

/// A table, and below it what is to be looked at.
pub(super) fn show(plugins: &[Plugin]) -> Result<(), Failure> {
    let header = ["NAME", "STATUS", "VERSION", "HASH", "FAILED", "PINNED"];
    let row = |it: &Plugin| {
        let hash = it.current.as_deref().map(short).unwrap_or_default();
        let pinned = it.pinned.as_deref().map(short).unwrap_or_default();
        let version = it.version.clone().unwrap_or_default();
        let failed = match it.failed {
            0 => String::new(),
            failed => format!("{failed} of {}", it.calls),
        };
        let (name, status) = (it.name.clone(), it.status.clone());
        [name, status, version, hash, failed, pinned]
    };
    tell(table::of(header, plugins.iter().map(row)))?;
    for Plugin {
        name,
        held,
        refused,
        waits,
        compiling_since,
        ..
    } in plugins
    {
        let held = held.iter().flat_map(|held| {
            let version = short(&held.version);
            let reasons = held.reasons.iter();
            reasons.map(move |reason| format!("{name}: version {version} is held: {reason}"))
        });
        let compiling = compiling_since
            .iter()
            .map(|since| format!("{name}: its file is being compiled, since {since}"));
        // What was said of the file before is of no use any more.
        let refused = refused.iter().filter(|_| compiling_since.is_none());
        let refused = refused.map(|it| {
            let reason = table::first_line(&it.reason);
            format!("{name}: its file was refused: {reason}")
        });
        let waits = waits.iter().map(|why| format!("{name}: it waits: {why}"));
        for line in held.chain(refused).chain(waits).chain(compiling) {
            tell(printable(&line))?;
        }
    }
    Ok(())
}

/// A content hash, as it is named to people.
pub(super) fn short(hash: &str) -> String {
    hash.chars().take(DIGITS).collect()
}
