//! `wasmill plugin test`: what it tells, and its exit codes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Result, ensure};
use serde_json::Value;
use tempfile::TempDir;
use testkit::artifacts;

const ROUTES: &str = r#"
[topics]
"pay" = {}
"idle" = {}
"told" = {}

[subscriptions.pay]
topic = "pay"
plugin = "teller"

[subscriptions.idle]
topic = "idle"
plugin = "teller"
"#;

const SCENARIO: &str = r#"
routes = "routes.toml"

[[step]]
name = "a payment"
send = { topic = "pay", key = "k", body = "a" }
expect.outcome = "ok"
expect.sent = [ { topic = "told", key = "k" } ]
"#;

/// A folder with a plugin, its routes and a scenario.
struct Project {
    folder: TempDir,
    plugin: PathBuf,
}

impl Project {
    fn new(guest: &str, scenario: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let plugin = folder.path().join("teller.wasm");
        fs::write(&plugin, wasmill_test_guests::bytes(guest))?;
        fs::write(folder.path().join("routes.toml"), ROUTES)?;
        fs::write(folder.path().join("scenario.toml"), scenario)?;
        Ok(Self { folder, plugin })
    }

    /// Runs the command in another folder: paths are relative to the scenario.
    fn test(&self, options: &[&str]) -> Result<Told> {
        let scenario = self.folder.path().join("scenario.toml");
        test(&self.plugin, &scenario, options)
    }
}

/// What the command told.
struct Told {
    code: Option<i32>,
    out: String,
    err: String,
}

fn test(plugin: &Path, scenario: &Path, options: &[&str]) -> Result<Told> {
    let mut command = Command::new(artifacts::program("wasmill")?);
    command.args(["plugin", "test"]).arg(plugin);
    command.arg("--scenario").arg(scenario).args(options);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output()?;
    Ok(Told {
        code: status.code(),
        out: String::from_utf8(stdout)?,
        err: String::from_utf8(stderr)?,
    })
}

#[test]
fn a_plugin_that_does_as_expected_is_told_with_its_effects_its_crashes_and_its_figures()
-> Result<()> {
    let project = Project::new("teller", SCENARIO)?;
    let told = project.test(&["--crash-points", "--bench", "--repeat", "2"])?;
    assert_eq!(told.code, Some(0), "{}{}", told.out, told.err);
    for part in [
        "step 1, line 4: a payment",
        "pay: pay key k ok",
        "sent told key k {\"say\": \"thanks\", \"for\": \"a\"}",
        "state paid = a;",
        "claimed a",
        "timer idle set for 2026-01-01T01:00:00.000Z",
        "log info: k paid a",
        "1 steps, 1 messages handled: all as expected",
        "the host died at 9 places: nothing lost, nothing doubled",
        "MESSAGES/S",
    ] {
        ensure!(told.out.contains(part), "no {part:?} in\n{}", told.out);
    }
    let json = project.test(&["--crash-points", "--json"])?;
    let json: Value = serde_json::from_str(&json.out)?;
    assert_eq!(json["differences"], 0);
    assert_eq!(json["crashes"]["points"], 9);
    assert_eq!(json["steps"][0]["handled"][0]["outcome"], "ok");
    Ok(())
}

#[test]
fn what_differs_is_told_and_is_exit_code_1() -> Result<()> {
    let scenario = SCENARIO.replace("\"ok\"", "{ reject = \"no\" }");
    let told = Project::new("teller", &scenario)?.test(&["--crash-points"])?;
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.err);
    ensure!(told.out.contains("DIFFERS outcome"), "{}", told.out);
    ensure!(told.out.contains("no crash was tried"), "{}", told.out);
    ensure!(told.err.contains("1 differences"), "{}", told.err);
    Ok(())
}

#[test]
fn what_a_crash_does_is_told_and_is_exit_code_1() -> Result<()> {
    let again = "[[step]]\nsend = { topic = \"pay\", key = \"k\", body = \"a\" }\n";
    let scenario = format!("routes = \"routes.toml\"\n{again}{again}");
    let told = Project::new("remembers", &scenario)?.test(&["--crash-points"])?;
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.err);
    ensure!(told.out.contains("doubled: message told a"), "{}", told.out);
    ensure!(
        told.err.contains("all was not as without one"),
        "{}",
        told.err
    );
    Ok(())
}

#[test]
fn a_scenario_in_which_no_crash_can_be_tried_is_exit_code_1() -> Result<()> {
    let scenario = "routes = \"routes.toml\"\n[[step]]\nadvance = \"1s\"\n";
    let told = Project::new("teller", scenario)?.test(&["--crash-points"])?;
    assert_eq!(told.code, Some(1), "{}{}", told.out, told.err);
    ensure!(told.err.contains("no crash was tried"), "{}", told.err);
    Ok(())
}

#[test]
fn what_is_told_wrong_is_exit_code_2_with_the_line_and_the_remedy() -> Result<()> {
    for (scenario, said) in [
        (
            SCENARIO.replace("outcome", "outcom"),
            "line 7, column 8: unknown field `outcom`, expected one of `answer`, `outcome`",
        ),
        (
            SCENARIO.replace("routes.toml", "other.toml"),
            "other.toml cannot be read",
        ),
        (
            SCENARIO.replace("\"pay\"", "\"nowhere\""),
            "the step in line 4 is refused: topic `nowhere` is not declared",
        ),
        (
            SCENARIO.replacen('\n', "\nroutes_added = '[topics'\n", 1),
            "routes.toml is wrong (from line 14 on it is `routes_added` of the scenario)",
        ),
        (
            SCENARIO.replace("\"pay\"", "\"told\""),
            "the step in line 4 sends to `told`, which no subscription",
        ),
    ] {
        let told = Project::new("teller", &scenario)?.test(&[])?;
        assert_eq!(told.code, Some(2), "{}{}", told.out, told.err);
        ensure!(told.err.contains(said), "no {said:?} in {}", told.err);
    }
    let project = Project::new("teller", SCENARIO)?;
    let told = project.test(&["--name", "other"])?;
    assert_eq!(told.code, Some(2), "{}", told.err);
    ensure!(
        told.err.contains("no subscription of plugin `other`"),
        "{}",
        told.err
    );
    let told = project.test(&["--bench", "--repeat", "0"])?;
    assert_eq!(told.code, Some(2), "{}", told.err);
    ensure!(told.err.contains("0 is not in 1.."), "{}", told.err);
    let scenario = project.folder.path().join("scenario.toml");
    let told = test(&scenario, &scenario, &[])?;
    assert_eq!(told.code, Some(2), "{}", told.err);
    Ok(())
}
