//! What each language costs: the example's size, compiling it, and messages a second.

use std::process::Command;

use anyhow::Result;
use testkit::artifacts::program;
use testkit::projects;

use super::Figures;
use crate::process::output;

/// Messages of a quick run.
const QUICK_COUNT: u64 = 10_000;

/// Measures the languages whose tools are there.
///
/// # Errors
/// If an example does not build, or the program fails.
pub(super) fn figures(quick: bool) -> Result<Figures> {
    let mut figures = Figures::new();
    for language in projects::languages()? {
        if let Some(missing) = language.missing {
            println!("passed over: {}: {missing}", language.title);
            continue;
        }
        println!("measuring: {}", language.title);
        let folder = tempfile::tempdir()?;
        let component = projects::example(folder.path(), &language.flag)?;
        let mut command = Command::new(program("wasmill-bench")?);
        command.arg("language").arg("--component").arg(component);
        if quick {
            command.args(["--count", &QUICK_COUNT.to_string()]);
        }
        let found: Figures = serde_json::from_str(&output(&mut command)?)?;
        let named = found
            .into_iter()
            .map(|(name, figure)| (format!("languages.{}_{name}", language.flag), figure));
        figures.extend(named);
    }
    Ok(figures)
}
