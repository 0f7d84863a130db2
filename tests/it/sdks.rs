//! The SDKs of the languages that have unit tests of their own: each is run in its language's
//! ordinary way, against the host in memory that authors get for theirs.

use std::io::Write;
use std::process::Command;

use anyhow::{Result, ensure};
use testkit::artifacts;

#[test]
fn the_sdk_of_javascript_passes_its_own_tests() -> Result<()> {
    passes("sdk/js", "node", &["--test"])
}

#[test]
fn the_sdk_of_python_passes_its_own_tests() -> Result<()> {
    passes("sdk/python", "python3", &["-B", "-m", "unittest"])
}

/// Runs a program in a folder of the repository. One that is not installed is named and passed
/// over, unless all languages are wanted.
fn passes(folder: &str, program: &str, args: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    let command = command
        .args(args)
        .current_dir(artifacts::workspace().join(folder));
    match command.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout);
            let complained = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "{folder}: {said}\n{complained}");
        }
        Err(error) => {
            let all_wanted = std::env::var_os(testkit::LANGUAGES).is_some_and(|it| it == "all");
            ensure!(!all_wanted, "{folder}: `{program}` cannot be run: {error}");
            writeln!(
                std::io::stderr(),
                "{folder}: skipped: `{program}` cannot be run: {error}"
            )?;
        }
    }
    Ok(())
}
