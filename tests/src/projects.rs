//! Plugins' projects, by the commands that their authors type.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use crate::artifacts;

/// A language, as `wasmill plugin languages` tells it.
#[derive(Debug, Deserialize)]
pub struct Language {
    /// As `--lang` takes it.
    pub flag: String,
    /// As people say it.
    pub title: String,
    /// What is not installed, and how it is.
    pub missing: Option<String>,
}

/// The languages that the command knows.
///
/// # Errors
/// If the command fails.
pub fn languages() -> Result<Vec<Language>> {
    let told = said(&mut wasmill(
        Path::new("."),
        ["plugin", "languages", "--json"],
    ))?;
    Ok(serde_json::from_str(&told)?)
}

/// Does something in each language whose tools are there, by its flag, and tells what it says of
/// how it went. Languages that are absent are named; with [`crate::LANGUAGES`] they are failures.
///
/// # Errors
/// With all failures.
pub async fn in_each_language(act: impl AsyncFn(String) -> Result<String>) -> Result<()> {
    let all_wanted = std::env::var_os(crate::LANGUAGES).is_some_and(|it| it == "all");
    let mut failures = Vec::new();
    for language in languages()? {
        let Language {
            flag,
            title,
            missing,
        } = language;
        match (missing, all_wanted) {
            (Some(missing), true) => failures.push(format!("{title}: {missing}")),
            (Some(missing), false) => tell(&format!("{title}: skipped: {missing}"))?,
            (None, _) => match act(flag).await {
                Ok(said) => tell(&format!("{title}: {said}"))?,
                Err(error) => failures.push(format!("{title}: {error:#}")),
            },
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}

/// Makes the example of a language in a directory and builds it; returns the plugin's file.
///
/// # Errors
/// If a command fails.
pub fn example(directory: &Path, flag: &str) -> Result<PathBuf> {
    said(&mut wasmill(
        directory,
        ["plugin", "new", "loyalty", "--lang", flag],
    ))?;
    build(&directory.join("loyalty"), "loyalty")
}

/// Builds a project; returns the plugin's file.
///
/// # Errors
/// If the command fails.
pub fn build(project: &Path, name: &str) -> Result<PathBuf> {
    said(&mut wasmill(project, ["plugin", "build"]))?;
    Ok(project.join(format!("{name}.wasm")))
}

/// A command of `wasmill` in a directory, as its user types it.
///
/// # Panics
/// If the program is not built.
pub fn wasmill<'a>(directory: &Path, args: impl IntoIterator<Item = &'a str>) -> Command {
    let program = artifacts::program("wasmill").unwrap_or_else(|error| panic!("{error:#}"));
    let mut command = Command::new(program);
    command.current_dir(directory).args(args);
    // Which the user has not: cargo set it for us.
    command.env_remove("CARGO_TARGET_DIR");
    command
}

/// What a command tells, if it ends well.
///
/// # Errors
/// With all that it told, if it does not.
pub fn said(command: &mut Command) -> Result<String> {
    let args: Vec<_> = command.get_args().map(OsStr::to_owned).collect();
    let Output {
        status,
        stdout,
        stderr,
    } = command.output()?;
    let stdout = String::from_utf8(stdout)?;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        bail!("{args:?}: {status}\n{stdout}\n{stderr}");
    }
    Ok(stdout)
}

/// Tells people how it went, though the test passes: its output is captured, this is not.
fn tell(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "{line}")?)
}
