//! `wasmill plugin history NAME`: the versions of a plugin that a running host keeps.

use clap::Args;
use http::Method;
use serde::Deserialize;

use super::super::listing::Output;
use super::super::table::{self, printable};
use super::list::short;
use crate::app::{DataApi, Failure, encoded, tell};

/// Options of `wasmill plugin history`.
#[derive(Debug, Args)]
pub(super) struct History {
    #[command(flatten)]
    api: DataApi,
    /// The plugin
    name: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Deserialize)]
struct Versions {
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    hash: String,
    size: u64,
    marks: Vec<String>,
    version: Option<String>,
    capabilities: Vec<String>,
    state_version: Option<u32>,
    signed_by: Option<String>,
    installed_at: String,
    served_at: Option<String>,
    came: String,
    damage: Option<String>,
}

impl History {
    pub(super) fn run(self) -> Result<(), Failure> {
        let path = format!("/v1/plugins/{}/versions", encoded(&self.name));
        self.output.show(self.api.ask(Method::GET, &path)?, list)
    }
}

fn list(Versions { versions }: Versions) -> Result<(), Failure> {
    if versions.is_empty() {
        return tell("no versions are kept");
    }
    let header = [
        "HASH",
        "",
        "VERSION",
        "STATE",
        "ASKS FOR",
        "SIGNED BY",
        "BYTES",
        "FIRST CAME",
        "LAST SERVED",
        "BY",
    ];
    let damages = versions.iter().filter_map(|it| it.damage.clone());
    let damages: Vec<_> = damages.collect();
    let row = |it: Version| {
        let state = it.state_version.map(|version| version.to_string());
        let [version, state, signed, served] =
            [it.version, state, it.signed_by, it.served_at].map(Option::unwrap_or_default);
        [
            short(&it.hash),
            it.marks.join(", "),
            version,
            state,
            it.capabilities.join(", "),
            signed,
            it.size.to_string(),
            it.installed_at,
            served,
            it.came,
        ]
    };
    tell(table::of(header, versions.into_iter().map(row)))?;
    let mut damages = damages.iter();
    damages.try_for_each(|damage| tell(printable(damage)))
}
