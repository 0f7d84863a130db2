//! A plugin in each language, by the very commands of the guide: made in an empty directory, built,
//! held to the example's behaviour with a crash at every point, dropped into a running host, and given
//! its first message.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::install::Installation;
use testkit::patience::until;
use testkit::projects::{Language, in_each_language, languages, said, wasmill};
use testkit::server::Server;

/// The plugin that is made.
const NAME: &str = "my-loyalty";
/// Longest time until the first message is handled: a host compiles megabytes of a language's
/// runtime before.
const PATIENCE: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_in_each_language_goes_from_an_empty_directory_to_its_first_message() -> Result<()>
{
    in_each_language(first_message).await
}

#[test]
fn a_toolchain_that_is_absent_is_named_with_how_to_come_by_it() -> Result<()> {
    for Language { flag, title, .. } in languages()? {
        let folder = tempfile::tempdir()?;
        said(&mut wasmill(
            folder.path(),
            ["plugin", "new", NAME, "--lang", &flag],
        ))?;
        let mut build = wasmill(folder.path(), ["plugin", "build", NAME]);
        let output = build.env("PATH", "").env_remove("CC").output()?;
        let stderr = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(1), "{title}: {stderr}");
        let explained = stderr.contains("is not installed: install");
        ensure!(explained, "{title}: {stderr}");
    }
    Ok(())
}

#[test]
fn what_is_told_wrong_ends_with_2_and_makes_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path();
    fs::create_dir(root.join("there"))?;
    fs::create_dir(root.join("wrong"))?;
    fs::write(
        root.join("wrong/plugin.toml"),
        "name = \"wrong\"\nversoin = 1\n",
    )?;
    for (args, because) in [
        (&["new", "there", "--lang", "c"][..], "is there already"),
        (
            &["new", "../up", "--lang", "c"],
            "`../up` cannot name a project",
        ),
        (&["new", "new", "--lang", "cobol"], "possible values"),
        (&["build", "there"], "has no plugin.toml"),
        (&["build", "nowhere"], "has no plugin.toml"),
        (
            &["build", "wrong"],
            "plugin.toml: line 2: unknown field `versoin`",
        ),
    ] {
        let Output { status, stderr, .. } = wasmill(root, ["plugin"]).args(args).output()?;
        let stderr = String::from_utf8(stderr)?;
        assert_eq!(status.code(), Some(2), "{args:?}: {stderr}");
        ensure!(stderr.contains(because), "{args:?}: {stderr}");
    }
    assert_eq!(fs::read_dir(root)?.count(), 2);
    Ok(())
}

/// From an empty directory to what came of the first message; tells how long each step took.
async fn first_message(flag: String) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let mut step = Stopwatch::start();
    let new = ["plugin", "new", NAME, "--lang", &flag];
    let next = said(&mut wasmill(folder.path(), new))?;
    ensure!(next.contains("wasmill plugin build"), "{next}");
    step.ends("new");

    let project = folder.path().join(NAME);
    said(&mut wasmill(&project, ["plugin", "build"]))?;
    step.ends("build");
    said(&mut wasmill(&project, ["plugin", "build"]))?;
    step.ends("build again");
    unit_tests(&project, &flag)?;
    step.ends("unit tests");

    let file = format!("{NAME}.wasm");
    let test = ["plugin", "test", &file, "--scenario", "behaviour.toml"];
    let told = said(wasmill(&project, test).arg("--crash-points"))?;
    ensure!(told.contains("all as expected"), "{told}");
    ensure!(told.contains("nothing lost, nothing doubled"), "{told}");
    step.ends("test with crash points");

    let host = folder.path().join("host");
    fs::create_dir(&host)?;
    let routes = fs::read_to_string(project.join("routes.toml"))?;
    let installation = Installation::empty(&host, &routes)?;
    let mut server = Server::start(&installation).await?;
    step.ends("start of a host");

    let plugin = fs::read(project.join(&file))?;
    installation.put_plugin(NAME, &plugin)?;
    let body = r#"{"order_id": "o-1", "amount": 60000}"#;
    let send = ["send", "order.paid", "--key", "ann", "--body", body];
    let flow = server.command(&send).await?;
    let told = tier(&server, flow.trim())
        .await
        .context(server.log_tail())?;
    let silver = json!({"user": "ann", "from": "bronze", "to": "silver", "spent": 60000});
    ensure!(told == silver, "{told}");
    step.ends("first message");
    server.stop().await?;
    Ok(format!("{}; {} bytes", step.times.join(", "), plugin.len()))
}

/// Runs the project's own tests, by the command that its README names for it.
fn unit_tests(project: &Path, flag: &str) -> Result<()> {
    let readme = fs::read_to_string(project.join("README.md"))?;
    let commands = ["npm test", "python3 -m unittest", "go test", "cargo test"];
    let mut named = commands
        .iter()
        .filter(|it| readme.contains(&format!("`{it}`")));
    let Some(command) = named.next() else {
        ensure!(
            flag == "c",
            "{flag}: its README names no command for tests: {readme}"
        );
        return Ok(());
    };
    let mut words = command.split(' ');
    let mut command = Command::new(words.next().context("a program")?);
    command.args(words).current_dir(project);
    // Which its author has not: cargo set it for us.
    said(command.env_remove("CARGO_TARGET_DIR"))?;
    Ok(())
}

/// The message about a tier that comes of this flow.
async fn tier(server: &Server, flow: &str) -> Result<Value> {
    let list = [
        "message",
        "list",
        "--topic",
        "loyalty.tier",
        "--correlation",
        flow,
        "--json",
    ];
    let listed = async || {
        let found: Value = serde_json::from_str(&server.command(&list).await?)?;
        Ok(found["messages"][0]["message"]["id"]
            .as_str()
            .map(str::to_owned))
    };
    let id = until(PATIENCE, listed, Option::is_some).await?;
    let show = [
        "message",
        "show",
        id.as_deref().unwrap_or_default(),
        "--json",
    ];
    let shown: Value = serde_json::from_str(&server.command(&show).await?)?;
    let body = shown["message"]["body"]
        .as_str()
        .context("a body that is text")?;
    Ok(serde_json::from_str(body)?)
}

/// How long the steps took.
struct Stopwatch {
    since: Instant,
    times: Vec<String>,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            since: Instant::now(),
            times: Vec::new(),
        }
    }

    fn ends(&mut self, step: &str) {
        let seconds = self.since.elapsed().as_secs_f64();
        self.times.push(format!("{step} {seconds:.1} s"));
        self.since = Instant::now();
    }
}
