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

/// Options of what may name a version.
#[derive(Debug, Args)]
pub(super) struct Choose {
    #[command(flatten)]
    act: Act,
    /// The version: its hash, or 8 or more of its first digits
    hash: Option<String>,
}

/// Options of what must name a version.
#[derive(Debug, Args)]
pub(super) struct Approve {
    #[command(flatten)]
    act: Act,
    /// The version that is held: its hash, or 8 or more of its first digits
    hash: String,
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

impl Approve {
    pub(super) fn run(self) -> Result<(), Failure> {
        let version = query(&[("version", Some(self.hash.as_str()))]);
        self.act.with("approve", &version)
    }
}

impl Choose {
    pub(super) fn run(self, what: &str) -> Result<(), Failure> {
        self.act
            .with(what, &query(&[("version", self.hash.as_deref())]))
    }
}
