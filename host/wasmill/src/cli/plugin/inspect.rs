//! `wasmill plugin inspect FILE [--against FILE]`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde_json::json;
use wasmill_component::{
    CONTRACT, CONTRACT_VERSION, Capabilities, Change, Description, Interface, changes, check,
};

use super::super::table::{self, printable};
use super::file;
use crate::app::{Failure, tell};

/// Options of `wasmill plugin inspect`.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The component
    file: PathBuf,
    /// Tell how it differs from this one, such as the version in service
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let description = describe(&self.file)?;
        let earlier = self.against.as_deref().map(describe).transpose()?;
        let changes = earlier.map(|earlier| changes(&earlier, &description));
        let misfit = check(&description.interfaces)
            .err()
            .map(|it| it.to_string());
        if self.json {
            let all = json!({ "component": description, "misfit": misfit, "changes": changes });
            return tell(format_args!("{all:#}"));
        }
        if let Some(changes) = changes {
            // Whether this host takes it matters more than how it differs.
            misfit.map_or(Ok(()), |misfit| tell(printable(&misfit)))?;
            return tell_changes(&changes);
        }
        let misfit = misfit.unwrap_or_else(|| format!("keeps to version {CONTRACT_VERSION}"));
        tell(table::of(
            ["COMPONENT", &description.hash],
            summary(&description, misfit),
        ))?;
        list("IMPORTS", &description.interfaces.imports)?;
        list("EXPORTS", &description.interfaces.exports)
    }
}

fn tell_changes(changes: &[Change]) -> Result<(), Failure> {
    match changes.is_empty() {
        true => tell("no differences"),
        false => changes
            .iter()
            .try_for_each(|change| tell(printable(&change.to_string()))),
    }
}

fn describe(path: &Path) -> Result<Description, Failure> {
    let bytes = file::read(path)?;
    let refused = |error| Failure::config(anyhow!("{}: {error}", path.display()));
    Description::of(&bytes).map_err(refused)
}

fn summary(of: &Description, contract: String) -> Vec<[String; 2]> {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push([name.to_owned(), value]);
    if let Some(manifest) = &of.manifest {
        row("name", manifest.name.clone());
        row("version", manifest.version.clone());
        row(
            "description",
            manifest.description.clone().unwrap_or_default(),
        );
    }
    row(
        "language",
        of.language.clone().unwrap_or_else(|| "unknown".to_owned()),
    );
    row("bytes", of.size.to_string());
    row("contract", contract);
    if let Some(manifest) = &of.manifest {
        row("capabilities", asked(&manifest.capabilities));
        row("state version", manifest.state_version.to_string());
    }
    rows
}

/// What it asks for, in a line.
fn asked(capabilities: &Capabilities) -> String {
    let Capabilities { http, files, env } = capabilities;
    let http = http.iter().map(|host| format!("http {host}"));
    let env = env.iter().map(|name| format!("env {name}"));
    let files = files.then(|| "files".to_owned());
    let all: Vec<_> = http.chain(files).chain(env).collect();
    match all.is_empty() {
        true => "none".to_owned(),
        false => all.join(", "),
    }
}

/// The contract's interfaces with their functions, others by name.
fn list(title: &str, interfaces: &BTreeMap<String, Interface>) -> Result<(), Failure> {
    let row = |(name, interface): (&String, &Interface)| {
        let functions = interface.functions.keys().map(String::as_str);
        let functions = match name.starts_with(CONTRACT) {
            true => functions.collect::<Vec<_>>().join(", "),
            false => String::new(),
        };
        [name.clone(), functions]
    };
    tell("")?;
    tell(table::of([title, "FUNCTIONS"], interfaces.iter().map(row)))
}
