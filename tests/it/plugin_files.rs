//! Plugins' files, looked into from the command line.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use serde_json::Value;
use testkit::artifacts;

#[test]
fn a_file_is_told_for_what_it_is_and_how_it_differs_from_another() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).map(|()| path)
    };
    let counter = file("counter.wasm", &wasmill_test_guests::bytes("counter"))?;
    let alarms = file("alarms.wasm", &wasmill_test_guests::bytes("alarms"))?;
    let torn = file("torn.wasm", &wasmill_test_guests::bytes("counter")[..1_000])?;

    let said = inspect(&counter, &[])?;
    let text = String::from_utf8(said.stdout)?;
    for part in [
        "keeps to version 0.1.0",
        "Rust",
        "wasmill:plugin/queue@0.1.0",
        "get, put",
    ] {
        ensure!(text.contains(part), "no {part:?} in {text}");
    }

    let against = ["--against", alarms.to_str().expect("UTF-8"), "--json"];
    let said: Value = serde_json::from_slice(&inspect(&counter, &against)?.stdout)?;
    let changes = said["changes"].as_array().expect("a list");
    let gone = "wasmill:plugin/timer@0.1.0";
    ensure!(
        changes.iter().any(|it| it["before"] == gone),
        "{changes:#?}"
    );
    let own = ["--against", counter.to_str().expect("UTF-8")];
    let text = String::from_utf8(inspect(&counter, &own)?.stdout)?;
    assert_eq!(text.trim(), "no differences");

    let said = inspect(&torn, &[])?;
    assert_eq!(said.status.code(), Some(2));
    let text = String::from_utf8(said.stderr)?;
    ensure!(
        text.contains("torn.wasm: it ends in the middle, after 1000 bytes"),
        "{text}"
    );
    Ok(())
}

fn inspect(file: &Path, options: &[&str]) -> Result<Output> {
    let mut command = Command::new(artifacts::program("wasmill")?);
    let command = command.args(["plugin", "inspect"]).arg(file).args(options);
    Ok(command.output()?)
}
