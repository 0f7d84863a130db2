//! `wasmill plugin languages`

use clap::Args;
use serde_json::{Value, json};
use wasmill_toolchain::{LANGUAGES, Tools};

use super::super::table;
use crate::app::{Failure, tell};

/// Options of `wasmill plugin languages`.
#[derive(Debug, Args)]
pub(super) struct Languages {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Languages {
    pub(super) fn run(self) -> Result<(), Failure> {
        let tools = Tools::installed();
        let rows = LANGUAGES.iter().map(|language| {
            let missing = language.missing(&tools).map(|it| it.to_string());
            (language.flag, language.title, missing)
        });
        if self.json {
            let row = |(flag, title, missing)| json!({ "flag": flag, "title": title, "missing": missing });
            let all = Value::Array(rows.map(row).collect());
            return tell(format_args!("{all:#}"));
        }
        let row = |(flag, title, missing): (&str, &str, Option<String>)| {
            let missing = missing.unwrap_or_else(|| "ready".to_owned());
            [flag.to_owned(), title.to_owned(), missing]
        };
        tell(table::of(
            ["--lang", "LANGUAGE", "ON THIS MACHINE"],
            rows.map(row),
        ))
    }
}
