//! Parts of tests that need a process of their own: the test binary runs itself for them.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

/// Names the data directory to the child.
const DIRECTORY: &str = "WASMILL_STORE_TEST_DIRECTORY";

/// The data directory, in a child.
pub(crate) fn directory() -> Option<std::path::PathBuf> {
    env::var_os(DIRECTORY).map(Into::into)
}

/// A command that runs the part `test`, a test that does nothing but in a child. Writing more than
/// a file may hold fails there, instead of ending the process.
pub(crate) fn command(test: &str, directory: &Path) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(env::current_exe().expect("the test binary has a path"))
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}
