//! Plugins' files, looked into from the command line.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use serde_json::Value;
use testkit::artifacts;
use wasmill_component::{Capabilities, Manifest};

const ROUTES: &str = r#"
[topics]
work = {}
counted = {}

[subscriptions.worker]
topic = "work"
plugin = "counter"
"#;

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
    assert_eq!(text.trim(), "signature: none\nno differences");

    let said = inspect(&torn, &[])?;
    assert_eq!(said.status.code(), Some(2));
    let text = String::from_utf8(said.stderr)?;
    ensure!(
        text.contains("torn.wasm: it ends in the middle, after 1000 bytes"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_file_that_no_host_takes_is_told_with_why_and_ends_with_2() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("idle.wasm");
    // A component of nothing.
    fs::write(&file, b"\0asm\x0d\0\x01\0")?;
    for options in [&[][..], &["--json"]] {
        let output = inspect(&file, options)?;
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        for said in [output.stdout, output.stderr] {
            let said = String::from_utf8(said)?;
            ensure!(
                said.contains("it exports nothing that a host calls"),
                "{said}"
            );
        }
    }
    Ok(())
}

#[test]
fn a_plugin_is_told_with_its_routes_and_what_an_empty_message_costs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("counter.wasm");
    let manifest = |http: &[&str]| Manifest {
        name: "counter".to_owned(),
        version: "1".to_owned(),
        language: None,
        description: None,
        capabilities: Capabilities {
            http: http.iter().map(|host| (*host).to_owned()).collect(),
            ..Capabilities::default()
        },
        routes: Some(ROUTES.to_owned()),
        state_version: 1,
    };
    let counter = wasmill_test_guests::bytes("counter");
    fs::write(&file, manifest(&[]).embed(&counter))?;
    let said: Value = serde_json::from_slice(&inspect(&file, &["--json"])?.stdout)?;
    let measured = &said["fuel"]["measured"][0];
    let fuel = measured["fuel"].as_u64().unwrap_or_default();
    ensure!(fuel > 0 && measured["topic"] == "work", "{said:#}");
    let text = String::from_utf8(inspect(&file, &[])?.stdout)?;
    for part in [
        "an empty message of work ",
        "SUGGESTED ROUTES\n",
        ROUTES.trim(),
    ] {
        ensure!(text.contains(part), "no {part:?} in {text}");
    }
    // It asks for what its routes do not grant.
    fs::write(&file, manifest(&["pay.example"]).embed(&counter))?;
    let text = String::from_utf8(inspect(&file, &[])?.stdout)?;
    ensure!(
        text.contains("unknown: a host would hold the plugin"),
        "{text}"
    );
    Ok(())
}

fn inspect(file: &Path, options: &[&str]) -> Result<Output> {
    let mut command = Command::new(artifacts::program("wasmill")?);
    let command = command.args(["plugin", "inspect"]).arg(file).args(options);
    Ok(command.output()?)
}
