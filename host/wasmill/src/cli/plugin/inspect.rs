//! `wasmill plugin inspect FILE [--against FILE] [--routes FILE]`

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;
use wasmill_component::{
    CONTRACT, CONTRACT_VERSION, Capabilities, Change, Description, Interface, changes, check_plugin,
};

use super::super::table::{self, printable};
use super::file::{self, describe};
use super::fuel::{self, Fuel};
use crate::app::{Failure, read_routes, tell};

/// Options of `wasmill plugin inspect`.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The component
    file: PathBuf,
    /// Tell how it differs from this one, such as the version in service
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Tell who signed it, by the keys of this routes file
    #[arg(long, value_name = "FILE")]
    routes: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let description = describe(&self.file)?;
        let earlier = self.against.as_deref().map(describe).transpose()?;
        let changes = earlier.map(|earlier| changes(&earlier, &description));
        let misfit = check_plugin(&description.interfaces)
            .err()
            .map(|it| it.to_string());
        let routes = self.routes.as_deref().map(read_routes).transpose()?;
        let signature = file::signature(&self.file, &description.hash, routes.as_ref())?;
        if self.json {
            let fuel = self.fuel(&description, misfit.as_deref())?;
            let all = json!({
                "component": description,
                "misfit": misfit,
                "changes": changes,
                "signature": signature,
                "fuel": fuel,
            });
            tell(format_args!("{all:#}"))?;
        } else if let Some(changes) = changes {
            tell(format_args!("signature: {signature}"))?;
            tell_changes(&changes)?;
        } else {
            let fuel = self.fuel(&description, misfit.as_deref())?;
            let contract = misfit.clone();
            let contract =
                contract.unwrap_or_else(|| format!("keeps to version {CONTRACT_VERSION}"));
            tell(table::of(
                ["COMPONENT", &description.hash],
                summary(&description, contract, &signature, &fuel),
            ))?;
            list("IMPORTS", &description.interfaces.imports)?;
            list("EXPORTS", &description.interfaces.exports)?;
            suggested(&description)?;
        }
        match misfit {
            None => Ok(()),
            Some(misfit) => {
                let misfit = anyhow!("{}: {}", self.file.display(), printable(&misfit));
                Err(Failure::config(misfit))
            }
        }
    }

    /// What an empty message costs, if a host would take the component.
    fn fuel(&self, description: &Description, misfit: Option<&str>) -> Result<Fuel, Failure> {
        match misfit {
            Some(_) => Ok(Fuel::Unknown("no host takes it".to_owned())),
            None => {
                let component = file::read(&self.file)?;
                Ok(fuel::measure(&component, description.manifest.as_ref()))
            }
        }
    }
}

/// The routes that its author suggests.
fn suggested(of: &Description) -> Result<(), Failure> {
    let manifest = of.manifest.as_ref();
    let Some(routes) = manifest.and_then(|it| it.routes.as_deref()) else {
        return Ok(());
    };
    tell("\nSUGGESTED ROUTES")?;
    let mut lines = routes.trim_end().lines();
    lines.try_for_each(|line| tell(printable(line)))
}

fn tell_changes(changes: &[Change]) -> Result<(), Failure> {
    match changes.is_empty() {
        true => tell("no differences"),
        false => changes
            .iter()
            .try_for_each(|change| tell(printable(&change.to_string()))),
    }
}

fn summary(
    of: &Description,
    contract: String,
    signature: &file::SignedBy,
    fuel: &Fuel,
) -> Vec<[String; 2]> {
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
    row("signature", signature.to_string());
    row("fuel", fuel.to_string());
    if let Some(manifest) = &of.manifest {
        row("capabilities", asked(&manifest.capabilities));
        row("state version", manifest.state_version.to_string());
    }
    rows
}

/// What it asks for, in a line.
fn asked(capabilities: &Capabilities) -> String {
    let Capabilities {
        http,
        files,
        env,
        secrets,
    } = capabilities;
    let http = http.iter().map(|host| format!("http {host}"));
    let env = env.iter().map(|name| format!("env {name}"));
    let files = files.then(|| "files".to_owned());
    let secrets = secrets.iter().map(|name| format!("secret {name}"));
    let all: Vec<_> = http.chain(files).chain(env).chain(secrets).collect();
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
