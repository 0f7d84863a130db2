//! The SDKs of the languages that have unit tests of their own: each is run in its language's
//! ordinary way, against the host in memory that authors get for theirs.

use std::fs;
use std::io::Write;
use std::process::Command;

use anyhow::{Result, ensure};
use testkit::artifacts;

/// An SDK's tests, and how it is known that they ran: a runner that finds none is content too.
struct Suite {
    folder: &'static str,
    program: &'static str,
    args: &'static [&'static str],
    /// How the names of their files end.
    files: &'static str,
    /// How the line of each test begins.
    test: &'static str,
    /// What the runner says of their number.
    ran: fn(usize) -> String,
}

#[test]
fn the_sdk_of_javascript_passes_its_own_tests() -> Result<()> {
    Suite {
        folder: "sdk/js",
        program: "node",
        args: &["--test", "--test-reporter=tap"],
        files: ".test.js",
        test: "test(\"",
        ran: |count| format!("\n# pass {count}\n"),
    }
    .passes()
}

#[test]
fn the_sdk_of_python_passes_its_own_tests() -> Result<()> {
    Suite {
        folder: "sdk/python",
        program: "python3",
        args: &["-B", "-m", "unittest"],
        files: ".py",
        test: "def test_",
        ran: |count| format!("\nRan {count} tests in "),
    }
    .passes()
}

impl Suite {
    /// Runs all of them. A program that is not installed is named and passed over, unless all
    /// languages are wanted.
    fn passes(&self) -> Result<()> {
        let Self {
            folder,
            program,
            args,
            ..
        } = self;
        let mut command = Command::new(program);
        let command = command
            .args(*args)
            .current_dir(artifacts::workspace().join(folder));
        match command.output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout);
                let complained = String::from_utf8_lossy(&output.stderr);
                let told = format!("{said}\n{complained}");
                ensure!(output.status.success(), "{folder}: {told}");
                let ran = (self.ran)(self.count()?);
                ensure!(told.contains(&ran), "{folder}: no {ran:?}: {told}");
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

    /// How many there are, by the lines of their files.
    fn count(&self) -> Result<usize> {
        let mut count = 0;
        for entry in fs::read_dir(artifacts::workspace().join(self.folder))? {
            let path = entry?.path();
            if path.is_file() && path.to_string_lossy().ends_with(self.files) {
                let text = fs::read_to_string(path)?;
                let lines = text.lines().map(str::trim_start);
                count += lines.filter(|line| line.starts_with(self.test)).count();
            }
        }
        ensure!(count > 0, "{}: no tests", self.folder);
        Ok(count)
    }
}
