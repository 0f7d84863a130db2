//! The project's own commands: `cargo xtask demo`, `cargo xtask test` and what CI runs.

mod bench;
mod build;
mod ci;
mod convert;
mod demo;
mod orders;
mod process;
mod schemathesis;
mod sums;
mod table;
mod tidy;
mod wit;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, shows, checks and measures wasmill.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the host, and the plugins as components.
    Build,
    /// Take 6,919 real orders through the shop, and see whether the books balance.
    Demo(demo::Options),
    /// Run every test.
    Test,
    /// Run the process tests at full size: 100 SIGKILLs, ten swaps under 500 orders/s, and so on.
    Soak(ci::SoakOptions),
    /// Run what CI runs: format, lints, docs, tidy, tests, simulation.
    Ci,
    /// Run the engine's simulator on fresh seeds.
    Sim(ci::SimOptions),
    /// Fuzz the record codec, the routes file and the data API.
    Fuzz(ci::FuzzOptions),
    /// Check layers, file headers, sizes and other rules that no compiler knows.
    Tidy(tidy::Options),
    /// Check that the contract keeps what was released of it, and that the SDKs are bound to it.
    Wit(wit::Options),
    /// Fuzz the data API of a host by its OpenAPI document.
    Schemathesis(schemathesis::Options),
    /// Measure throughput, latency and memory.
    Bench(bench::Options),
    /// Convert the CDNOW sample of Fader and Hardie to the demo's orders.
    ConvertCdnow(convert::Options),
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Build => build::all(),
        Command::Demo(options) => demo::run(options),
        Command::Test => ci::test(),
        Command::Soak(options) => ci::soak(options),
        Command::Ci => ci::all(),
        Command::Sim(options) => ci::sim(options),
        Command::Fuzz(options) => ci::fuzz(options),
        Command::Tidy(options) => tidy::run(options),
        Command::Wit(options) => wit::run(options),
        Command::Schemathesis(options) => schemathesis::fuzz(options),
        Command::Bench(options) => bench::run(options),
        Command::ConvertCdnow(options) => convert::run(options),
    }
}
