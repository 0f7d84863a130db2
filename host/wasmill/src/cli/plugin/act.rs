//! `wasmill plugin rollback|pin|unpin|approve|enable|disable NAME`: which version serves on a
//! running host, and whether any does.

use clap::Args;
use http::Method;

use super::super::listing::Output;
use super::list::{self, Plugin};
use crate::app::{DataApi, Failure, encoded, query};

/// Options of what needs no version.
#[derive(Debug, Args)]
pub(super) struct Act {
    #[command(flatten)]
    api: DataApi,
    /// The plugin
    name: String,
    #[command(flatten)]
    output: Output,
}

/// Options of `wasmill plugin rollback`.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    act: Act,
    /// Go back to this version: its hash, or 8 or more of its first digits
    #[arg(long, value_name = "HASH")]
    to: Option<String>,
}

/// Options of what may name a version.
#[derive(Debug, Args)]
pub(super) struct Choose {
    #[command(flatten)]
    act: Act,
    /// The version: its hash, or 8 or more of its first digits
    hash: Option<String>,
}

impl Act {
    pub(super) fn run(self, what: &str) -> Result<(), Failure> {
        self.with(what, "")
    }

    fn with(self, what: &str, query: &str) -> Result<(), Failure> {
        let path = format!("/v1/plugins/{}/{what}{query}", encoded(&self.name));
        let answer = self.api.ask(Method::POST, &path)?;
        self.output
            .show(answer, |plugin: Plugin| list::show(&[plugin]))
    }
}

impl Rollback {
    pub(super) fn run(self) -> Result<(), Failure> {
        self.act
            .with("rollback", &query(&[("to", self.to.as_deref())]))
    }
}

impl Choose {
    pub(super) fn run(self, what: &str) -> Result<(), Failure> {
        self.act
            .with(what, &query(&[("version", self.hash.as_deref())]))
    }
}
