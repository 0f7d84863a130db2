//! One instance, reused for messages of all sizes: it neither traps nor grows for ever, in any
//! language.
//!
//! Go's collector calls out of an instance, which is forbidden while the host hands something over:
//! without the cure in its SDK this fails within a hundred messages.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use testkit::artifacts::program;
use testkit::projects::{self, in_each_language, said};
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

/// Has one instance handle `count` messages, and returns how it went.
pub(crate) fn reuse(plugin: &Path, count: u64) -> Result<String> {
    let mut command = Command::new(program("wasmill-bench")?);
    command.args(["reuse", "--count", &count.to_string(), "--component"]);
    said(command.arg(plugin).env("RUST_BACKTRACE", "0"))
}
