//! `cargo xtask schemathesis`: fuzzes the data API of a running host by its OpenAPI document.
//!
//! Not a gate of CI: it needs Python, and installs its tool from PyPI.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use testkit::artifacts::target_dir;
use testkit::install::Installation;
use testkit::server::Server;

use crate::build;
use crate::process::{output, run};

/// The tool's version, so that the same run finds the same.
const VERSION: &str = "4.32.5";

/// A topic that is its own letter is sent to now and then.
const ROUTES: &str = "[topics]\na = {}\nwork = {}\n";

/// How much is tried.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Requests made up for each operation, and in each phase.
    #[arg(long, default_value_t = 100)]
    examples: u32,
    /// Where chance begins; the same seed makes up the same requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Fuzzes: no 5xx, no status, type or body that the document does not know.
///
/// # Errors
/// If Python is absent, the tool cannot be installed, or it finds something.
pub(crate) fn fuzz(options: &Options) -> Result<()> {
    let tool = install()?;
    build::native()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        let installation = Installation::empty(folder.path(), ROUTES)?;
        let mut server = Server::start(&installation).await?;
        let url = format!("http://{}", server.data_api().address());
        let found = run(Command::new(tool)
            .current_dir(folder.path())
            .args(["run", &format!("{url}/v1/openapi.json"), "--url", &url])
            .args(["--max-examples", &options.examples.to_string()])
            .args(["--seed", &options.seed.to_string()])
            .args(["--generation-database", "none"])
            // What a schema cannot say, such as which topics there are, is refused with 400.
            .args(["--exclude-checks", "positive_data_acceptance"]));
        server.stop().await?;
        found
    })
}

/// The tool, in an environment of its own below the target directory.
fn install() -> Result<PathBuf> {
    let environment = target_dir()?.join("schemathesis");
    let tool = environment.join("bin/schemathesis");
    let version = || output(Command::new(&tool).arg("--version"));
    if tool.exists() && version()?.contains(VERSION) {
        return Ok(tool);
    }
    run(Command::new("python3")
        .args(["-m", "venv"])
        .arg(&environment))
    .context(
        "the data API is fuzzed by schemathesis, which needs python3 with its venv module: \
         install it",
    )?;
    let package = format!("schemathesis=={VERSION}");
    run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", &package]))
        .context("schemathesis could not be installed")?;
    ensure!(tool.exists(), "{} is not there", tool.display());
    Ok(tool)
}
