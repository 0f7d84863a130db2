//! Go's SDK: its own tests and those of its example, and goroutines in an instance that is reused.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;
use testkit::artifacts::workspace;
use testkit::projects::{self, Language, languages, said};
use testkit::sized;

use crate::reuse::reuse;
use crate::roles;

#[test]
fn the_sdk_and_its_example_pass_their_own_tests() -> Result<()> {
    if !has_go()? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    projects::example(folder.path(), "go")?;
    for root in [workspace().join("sdk/go"), folder.path().join("loyalty")] {
        // Bindings make pointers of the numbers that the host hands over.
        go(&root, ["vet", "-unsafeptr=false", "./..."])?;
        println!("{}", go(&root, ["test", "-count=1", "./..."])?);
    }
    Ok(())
}

#[test]
fn an_instance_is_reused_though_its_goroutines_wait_and_outlive_their_messages() -> Result<()> {
    if !has_go()? {
        return Ok(());
    }
    let (_folder, plugin) = guest("goroutines")?;
    println!("{}", reuse(&plugin, sized(2_220, 100_000))?);
    Ok(())
}

/// A project of the tests, built: its directory and its plugin.
fn guest(name: &str) -> Result<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    roles::copy(
        &workspace().join("tests/guests/go").join(name),
        folder.path(),
    )?;
    let plugin = projects::build(folder.path(), name)?;
    Ok((folder, plugin))
}

/// Whether Go is there. That it is absent is told by the test of all languages.
fn has_go() -> Result<bool> {
    let is_go = |it: &Language| it.flag == "go" && it.missing.is_none();
    Ok(languages()?.iter().any(is_go))
}

/// Go's own command in a directory, without the network.
fn go<const N: usize>(root: &Path, args: [&str; N]) -> Result<String> {
    let mut command = Command::new("go");
    said(command.current_dir(root).env("GOPROXY", "off").args(args))
}
