//! Other people's programs: found on the search path, and run with their output passed through.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// A program that a language is compiled with.
#[derive(Debug)]
pub struct Tool {
    /// Its names, of which the first that is found is taken.
    pub programs: &'static [&'static str],
    /// How to come by it, as the end of a sentence: `install Go 1.25 or later`.
    pub install: &'static str,
}

/// Where programs are looked for.
#[derive(Debug)]
pub struct Tools {
    path: OsString,
    /// The C compiler that the user chose, with its arguments.
    cc: Option<String>,
}

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("`{program}` is not installed: {install}")]
    Absent {
        /// Its name, or names.
        program: String,
        /// How to come by it.
        install: &'static str,
    },
    /// It cannot be started.
    #[error("`{command}` cannot be started: {cause}")]
    Unstartable {
        /// With its arguments.
        command: String,
        /// Why.
        cause: io::Error,
    },
    /// It ended with an error, of which it has told itself.
    #[error("`{command}` failed with {status}: see what it says above")]
    Failed {
        /// With its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It is the wrong one.
    #[error("`{program}` {why}: {remedy}")]
    Unsuitable {
        /// As it was named.
        program: String,
        /// What it cannot do.
        why: String,
        /// What to do.
        remedy: &'static str,
    },
}

impl Tools {
    /// Those on this process's search path.
    #[must_use]
    pub fn installed() -> Self {
        Self {
            cc: env::var("CC").ok().filter(|it| !it.trim().is_empty()),
            ..Self::on(env::var_os("PATH").unwrap_or_default())
        }
    }

    /// Those on this search path.
    #[must_use]
    pub fn on(path: impl Into<OsString>) -> Self {
        Self {
            path: path.into(),
            cc: None,
        }
    }

    /// The C compiler of `$CC`: a command that may go through another one, such as `ccache clang`.
    pub(crate) fn cc(&self) -> Option<&str> {
        self.cc.as_deref()
    }

    /// Finds a tool's program.
    ///
    /// # Errors
    /// [`Error::Absent`] if there is none.
    pub fn find(&self, tool: &Tool) -> Result<PathBuf, Error> {
        let mut programs = tool.programs.iter();
        let found = programs.find_map(|program| self.find_program(program));
        found.ok_or_else(|| Error::Absent {
            program: tool.programs.join("` or `"),
            install: tool.install,
        })
    }

    /// The first file of this name that can be run.
    pub(crate) fn find_program(&self, name: impl AsRef<OsStr>) -> Option<PathBuf> {
        let mut candidates = env::split_paths(&self.path).map(|dir| dir.join(name.as_ref()));
        candidates.find(|file| is_executable(file))
    }

    /// A command that finds other programs where this finds them.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("PATH", &self.path);
        command
    }
}

/// Runs a command to its end, its output going where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let status = command.stdin(Stdio::null()).status();
    check(command, status)
}

/// Runs a command to its end, and returns what it tells; its errors go where ours go.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let command = command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let (status, told) = match command.output() {
        Ok(output) => (Ok(output.status), output.stdout),
        Err(cause) => (Err(cause), Vec::new()),
    };
    check(command, status)?;
    Ok(String::from_utf8_lossy(&told).into_owned())
}

/// What a command tells, run without a word of its errors; none if it fails.
pub(crate) fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    let told = String::from_utf8_lossy(&output.stdout);
    output.status.success().then(|| told.into_owned())
}

/// Whether a command, run in silence, ends well.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    answer(command).is_some()
}

/// A command as people write it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(program).chain(command.get_args());
    let words = words.map(|word| word.to_string_lossy().into_owned());
    words.collect::<Vec<_>>().join(" ")
}

fn check(command: &Command, status: io::Result<ExitStatus>) -> Result<(), Error> {
    let shown = || shown(command);
    let status = status.map_err(|cause| Error::Unstartable {
        command: shown(),
        cause,
    })?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::Failed {
            command: shown(),
            status,
        }),
    }
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// Puts a program into a directory that does this in a shell.
#[cfg(test)]
pub(crate) fn fake(bin: &Path, name: &str, does: &str) {
    use std::fs;

    let path = bin.join(name);
    // Written by another process, so that none that is forked meanwhile holds it open for writing.
    let text = format!("#!/bin/sh\n{does}\n");
    let mut tee = Command::new("/bin/sh");
    tee.args([
        "-c",
        "printf %s \"$1\" > \"$2\" && chmod +x \"$2\"",
        "sh",
        &text,
    ]);
    assert!(tee.arg(&path).status().unwrap().success());
    assert!(fs::metadata(path).unwrap().is_file());
}

#[cfg(test)]
impl Tools {
    /// These, with this `$CC`.
    pub(crate) fn with_cc(mut self, command: &str) -> Self {
        self.cc = Some(command.to_owned());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: Tool = Tool {
        programs: &["no-such-shell", "sh"],
        install: "install a shell",
    };

    #[test]
    fn a_tool_that_is_absent_is_named_with_how_to_come_by_it() {
        assert!(Tools::installed().find(&SHELL).is_ok());
        for path in ["", "/nonexistent"] {
            let error = Tools::on(path).find(&SHELL).expect_err("nothing is there");
            let said = "`no-such-shell` or `sh` is not installed: install a shell";
            assert_eq!(error.to_string(), said);
        }
    }

    #[test]
    fn a_tool_that_fails_is_told_with_its_command_and_status() {
        let shell = Tools::installed().find(&SHELL).unwrap();
        let mut failing = Tools::installed().command(shell);
        failing.args(["-c", "exit 7"]);
        assert!(!succeeds(&mut failing));
        let said = "`sh -c exit 7` failed with exit status: 7: see what it says above";
        assert_eq!(run(&mut failing).unwrap_err().to_string(), said);
    }
}
