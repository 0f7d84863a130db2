//! What is run before a change lands: formatting, lints, docs, tidy, the contract, tests and
//! simulation.

use std::process::Command;

use anyhow::Result;
use testkit::artifacts::{PLUGINS, WASM_TARGET, program};

use crate::process::{cargo, run};
use crate::{build, tidy, wit};

/// How long CI simulates.
const SIM_SECONDS: u64 = 10;

/// How the simulator runs.
#[derive(clap::Args)]
pub(crate) struct SimOptions {
    /// How long to go on.
    #[arg(long, default_value_t = SIM_SECONDS)]
    seconds: u64,
    /// The first world's seed; the same seed is the same world.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the first world: how a failure is repeated.
    #[arg(long)]
    once: bool,
}

/// How the fuzzers run.
#[derive(clap::Args)]
pub(crate) struct FuzzOptions {
    /// How long each target is fuzzed.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Where mutations begin; the same seed is the same inputs. Another one each time if not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Only targets whose tests' names contain this, such as `routes`.
    #[arg(default_value = "fuzzed")]
    filter: String,
}

/// Which tests run at full size.
#[derive(clap::Args)]
pub(crate) struct SoakOptions {
    /// Only those whose names contain this.
    filter: Option<String>,
}

/// Everything that CI runs. Tests come last, so that their summaries end the log.
///
/// # Errors
/// With the first gate that fails.
pub(crate) fn all() -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]))?;
    tidy::run(&tidy::Options::default())?;
    wit::run(&wit::Options::default())?;
    lints()?;
    run(cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--locked",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ]))?;
    sim(&SimOptions {
        seconds: SIM_SECONDS,
        seed: 1,
        once: false,
    })?;
    build::all()?;
    run(tests().env(testkit::LANGUAGES, "all"))
}

/// Clippy over what runs natively, and over what only exists inside the sandbox.
fn lints() -> Result<()> {
    let clippy = ["clippy", "--locked", "--all-targets"];
    run(cargo()
        .args(clippy)
        .args(["--workspace", "--", "-D", "warnings"]))?;
    build::wasm_target()?;
    let mut plugins = cargo();
    plugins.args(["clippy", "--locked", "--target", WASM_TARGET]);
    for name in PLUGINS {
        plugins.args(["--package", &format!("wasmill-plugin-{name}")]);
    }
    run(plugins.args(["--", "-D", "warnings"]))
}

/// Every test: of functions, of documentation, and of the host as a process.
///
/// # Errors
/// If something does not build, or a test fails.
pub(crate) fn test() -> Result<()> {
    build::all()?;
    run(&mut tests())
}

fn tests() -> Command {
    let mut command = cargo();
    command.args(["test", "--release", "--locked", "--workspace"]);
    command
}

/// The process tests at full size, one after the other, with what they print.
///
/// # Errors
/// As [`test()`].
pub(crate) fn soak(options: &SoakOptions) -> Result<()> {
    build::all()?;
    let mut command = cargo();
    command.env(testkit::SOAK, "1");
    command.args([
        "test",
        "--release",
        "--locked",
        "--package",
        "wasmill-tests",
        "--test",
        "it",
    ]);
    command
        .args(["--", "--test-threads=1", "--nocapture"])
        .args(&options.filter);
    run(&mut command)
}

/// Fuzzes all targets for longer than the tests do. They are tests whose names begin so.
///
/// # Errors
/// If a target fails; its input is printed.
pub(crate) fn fuzz(options: &FuzzOptions) -> Result<()> {
    build::native()?;
    let mut command = cargo();
    command.env("WASMILL_FUZZ_SECONDS", options.seconds.to_string());
    if let Some(seed) = options.seed {
        command.env("WASMILL_FUZZ_SEED", seed.to_string());
    }
    command.args(["test", "--release", "--locked", "--workspace"]);
    command.args(["--test", "fuzz", "--test", "it", "--", &options.filter]);
    run(command.args(["--nocapture", "--test-threads=1"]))
}

/// The engine under a simulated world that crashes.
///
/// # Errors
/// If a promise was broken; the seed is printed.
pub(crate) fn sim(options: &SimOptions) -> Result<()> {
    build::native()?;
    let mut command = Command::new(program("wasmill-sim")?);
    command.args(["--seconds", &options.seconds.to_string()]);
    command.args(["--seed", &options.seed.to_string()]);
    if options.once {
        command.arg("--once");
    }
    run(&mut command)
}
