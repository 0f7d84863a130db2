//! Benchmarks of the host's inside: what a durable handler call costs, beside the floor that
//! wasmtime and the disk set. Prints one JSON object a figure; `cargo xtask bench` runs it.

mod backlog;
mod calls;
mod dedup;
mod floor;
mod host;
mod language;
mod look_up;
mod neighbour;
mod plugin;
mod redrive;
mod resident;
mod reuse;
mod timers;
mod transactions;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use serde_json::json;

/// The host's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Ids that a host is to remember.
const DEDUP_COUNT: u64 = 10_000_000;

/// Messages that fill the log to the size at which it is kept.
const LOOK_UP_COUNT: u64 = 1_000_000;

/// Measures one figure.
#[derive(Parser)]
struct Args {
    /// What to measure.
    figure: Figure,
    /// Handler calls, or messages.
    #[arg(long)]
    count: Option<u64>,
    /// The component of `language` and `reuse`.
    #[arg(long)]
    component: Option<PathBuf>,
    /// Where data is.
    #[arg(long, hide = true)]
    directory: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Figure {
    /// A bare loop of guest calls and block appends.
    Floor,
    /// Durable handler calls over many keys.
    ManyKeys,
    /// Durable handler calls of one key.
    HotKey,
    /// Memory with messages that nobody handles.
    Backlog,
    /// Starting with producers' ids to remember, and remembering them.
    Dedup,
    /// Finding a message in a log that is as long as it is kept.
    LookUp,
    /// Delayed messages: taking them in, and delivering all that fall due at once.
    Timers,
    /// Half messages, prepared, committed and handled.
    Transactions,
    /// Calls of a plugin beside another one that burns all that it can.
    Neighbour,
    /// Dead letters delivered again.
    Redrive,
    /// The example plugin as a component: its size, compiling it, and messages a second, with
    /// instances that are reused and with a fresh one for each message.
    Language,
    /// The example plugin as a component: messages of all sizes through one instance.
    Reuse,
    /// The part of `dedup` that a second process does.
    #[value(hide = true)]
    DedupAgain,
}

fn main() -> Result<()> {
    let Args {
        figure,
        count,
        component,
        directory,
    } = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let line = match figure {
            Figure::Floor => {
                json!({ "floor.calls_per_s": floor::measure(count.unwrap_or(400_000)).await? })
            }
            Figure::ManyKeys => {
                let rate = calls::measure(count.unwrap_or(400_000), 10_000).await?;
                json!({ "calls.many_keys_per_s": rate })
            }
            Figure::HotKey => {
                let rate = calls::measure(count.unwrap_or(200_000), 1).await?;
                json!({ "calls.hot_key_per_s": rate })
            }
            Figure::Backlog => {
                json!({ "backlog.rss_mb": backlog::measure(count.unwrap_or(1_000_000)).await? })
            }
            Figure::LookUp => look_up::measure(count.unwrap_or(LOOK_UP_COUNT)).await?,
            Figure::Neighbour => neighbour::measure(count.unwrap_or(200_000)).await?,
            Figure::Dedup => dedup::measure(count.unwrap_or(DEDUP_COUNT)).await?,
            Figure::Timers => timers::measure(count.unwrap_or(400_000)).await?,
            Figure::Transactions => {
                let rate = transactions::measure(count.unwrap_or(200_000)).await?;
                json!({ "transactions.committed_per_s": rate })
            }
            Figure::Redrive => {
                json!({ "redrive.letters_per_s": redrive::measure(count.unwrap_or(100_000)).await? })
            }
            Figure::Language => {
                let component = component.context("--component")?;
                language::measure(&component, count.unwrap_or(100_000)).await?
            }
            Figure::Reuse => {
                let component = component.context("--component")?;
                reuse::soak(&component, count.unwrap_or(200_000)).await?
            }
            Figure::DedupAgain => {
                let directory = directory.context("--directory")?;
                dedup::again(count.unwrap_or(DEDUP_COUNT), &directory).await?
            }
        };
        println!("{line}");
        Ok(())
    })
}
