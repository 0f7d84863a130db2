//! One instance, reused for messages of all sizes: it neither traps nor grows for ever, in any
//! language.
//!
//! Go's collector calls out of an instance, which is forbidden while the host hands something over:
//! without the cure in its SDK this fails within a hundred messages.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use testkit::artifacts::program;
use testkit::projects::{self, Language, in_each_language, languages, said, wasmill};
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

/// A plugin that keeps a mebibyte with each message.
const KEEPS: &str = "\
from wasmill import Message, state


def handle(message: Message) -> None:
    state.put('kept', bytes(1 << 20))
";

/// What an instance handed over is freed: it would have lost twice its memory's bound else. The
/// runtime that componentize-py puts into a component does not free it, the build sees to that.
#[test]
fn what_a_plugin_in_python_handed_over_is_freed() -> Result<()> {
    let is_python = |it: &Language| it.flag == "python" && it.missing.is_none();
    if !languages()?.iter().any(is_python) {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let new = ["plugin", "new", "keeper", "--lang", "python"];
    said(&mut wasmill(folder.path(), new))?;
    let project = folder.path().join("keeper");
    fs::write(project.join("plugin.py"), KEEPS)?;
    projects::build(&project, "keeper")?;
    let step =
        "[[step]]\nsend = { topic = \"order.paid\", key = \"ann\" }\nexpect.outcome = \"ok\"\n";
    let scenario = format!("routes = \"routes.toml\"\n{}", step.repeat(128));
    fs::write(project.join("keeps.toml"), scenario)?;
    let test = ["plugin", "test", "keeper.wasm", "--scenario", "keeps.toml"];
    said(&mut wasmill(&project, test)).map(drop)
}

/// Has one instance handle `count` messages, and returns how it went.
pub(crate) fn reuse(plugin: &Path, count: u64) -> Result<String> {
    let mut command = Command::new(program("wasmill-bench")?);
    command.args(["reuse", "--count", &count.to_string(), "--component"]);
    said(command.arg(plugin).env("RUST_BACKTRACE", "0"))
}
