//! One instance, reused for messages of all sizes: it neither traps nor grows for ever, in any
//! language.
//!
//! Go's collector calls out of an instance, which is forbidden while the host hands something over:
//! without the cure in its SDK this fails within a hundred messages.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use testkit::artifacts::{program, workspace};
use testkit::projects::{self, in_each_language, languages, said};
use testkit::sized;

#[tokio::test]
async fn one_instance_handles_messages_of_all_sizes_in_every_language() -> Result<()> {
    in_each_language(async |flag| {
        let folder = tempfile::tempdir()?;
        let plugin = projects::example(folder.path(), &flag)?;
        reuse(&plugin, sized(4_440, 200_000))
    })
    .await
}

#[test]
fn a_go_instance_is_reused_though_its_goroutines_wait_and_outlive_their_messages() -> Result<()> {
    let is_go = |it: &projects::Language| it.flag == "go" && it.missing.is_none();
    if !languages()?.iter().any(is_go) {
        // The test above names what is absent.
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    for file in ["go.mod", "main.go", "plugin.toml"] {
        let source = workspace().join("tests/guests/go/goroutines").join(file);
        fs::copy(source, folder.path().join(file))?;
    }
    let plugin = projects::build(folder.path(), "goroutines")?;
    println!("{}", reuse(&plugin, sized(2_220, 100_000))?);
    Ok(())
}

/// Has one instance handle `count` messages, and returns how it went.
fn reuse(plugin: &Path, count: u64) -> Result<String> {
    let mut command = Command::new(program("wasmill-bench")?);
    command.args(["reuse", "--count", &count.to_string(), "--component"]);
    said(command.arg(plugin).env("RUST_BACKTRACE", "0"))
}
