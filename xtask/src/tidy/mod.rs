//! `cargo xtask tidy`: rules that no compiler knows. The layers of the architecture, a header on
//! every file, sizes that may only shrink, and what never belongs into the sources.

mod dependencies;
mod layer_table;
mod layers;
mod rules;
mod sizes;
mod sources;

use std::fmt;

use anyhow::{Result, bail};

use sources::Sources;

/// What to do beside checking.
#[derive(Default, clap::Args)]
pub(crate) struct Options {
    /// Write the list of exceptions anew, as far as they have shrunk or gone.
    #[arg(long)]
    shrink: bool,
}

/// Something against a rule, and the remedy.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Relative to the workspace.
    file: String,
    line: usize,
    text: String,
}

impl Finding {
    fn new(file: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// Checks everything.
///
/// # Errors
/// If something is against a rule; all of it is printed first.
pub(crate) fn run(options: &Options) -> Result<()> {
    let sources = Sources::of_workspace()?;
    let packages = layers::packages()?;
    let mut findings = layers::check(&sources, &packages)?;
    findings.extend(dependencies::check(&sources, &packages));
    findings.extend(rules::check(&sources));
    findings.extend(sizes::check(&sources, options.shrink)?);
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} findings", findings.len());
    }
    println!("tidy: {} files are in order", sources.texts.len());
    Ok(())
}
