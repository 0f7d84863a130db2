//! What the commands that show something share: JSON or a table, and lists in pages.

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::{Failure, query, tell, understood};

/// How an answer is shown.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// Print the host's JSON
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Prints what the host answered: as it is, or as `for_people` does.
    pub(super) fn show<T: DeserializeOwned>(
        &self,
        answer: Value,
        for_people: impl FnOnce(T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match self.json {
            true => tell(format_args!("{answer:#}")),
            false => for_people(understood(answer)?),
        }
    }
}

/// Which part of a list, and how it is shown.
#[derive(Debug, Args)]
pub(super) struct Page {
    /// Only those that come after this one, as the page before names it
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    pub(super) output: Output,
}

impl Page {
    /// The query that asks for it, with the list's own conditions.
    pub(super) fn query(&self, conditions: &[(&str, Option<&str>)]) -> String {
        let limit = self.limit.to_string();
        let page = [("after", self.after.as_deref()), ("limit", Some(&limit))];
        query(&[conditions, &page].concat())
    }
}

/// Says where the next page begins, if there is one.
pub(super) fn tell_more(next: Option<String>) -> Result<(), Failure> {
    match next {
        Some(next) => tell(format_args!("more: --after {next}")),
        None => Ok(()),
    }
}
