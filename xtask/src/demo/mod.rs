//! `cargo xtask demo`: the whole platform on loopback, with real orders and a real provider, to
//! the last cent.

mod play;
mod report;
mod stage;
mod story;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{build, orders};
use stage::Stage;
use story::Story;

/// How the demo goes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Orders of your own, as CSV with the header of `examples/shop/data/orders.csv`.
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// Keep the data in `./data` and the server running until Ctrl-C.
    #[arg(long)]
    keep: bool,
    /// How long an order may stay unpaid. The shop's usual half an hour would be a long demo.
    #[arg(long, value_name = "SPAN", default_value = "20s")]
    deadline: humantime::Duration,
    /// Use the shop's usual deadline of half an hour.
    #[arg(long, conflicts_with = "deadline")]
    real_deadline: bool,
    /// Requests at once.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Decides what the payment provider does to whom.
    #[arg(long, default_value_t = 1997)]
    seed: u64,
}

impl Options {
    fn payment_deadline(&self) -> Duration {
        if self.real_deadline {
            Duration::from_secs(30 * 60)
        } else {
            *self.deadline
        }
    }
}

/// Plays the demo.
///
/// # Errors
/// If something cannot be built or started, or the books do not balance.
pub(crate) fn run(options: &Options) -> Result<()> {
    let purchases = orders::read(&options.orders.clone().unwrap_or_else(orders::bundled))?;
    build::all()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(show(options, &Story::of(&purchases)))
}

async fn show(options: &Options, story: &Story) -> Result<()> {
    let starting = step("starting the host, which compiles the plugins, and the payment provider");
    let mut stage = Stage::set(options).await?;
    starting.finish();
    let scene = &mut stage.scene;
    println!(
        "wasmill serves the shop on http://{}, and the data API on http://{}",
        scene.shop.http.address(),
        scene.server.data_api().address()
    );

    let loading = step(&format!(
        "loading {} SKUs, {} users and {} coupons",
        story.plan.stocks.len(),
        story.plan.users.len(),
        story.plan.coupons.len()
    ));
    story.plan.load(&scene.shop).await?;
    loading.finish();

    let count = story.plan.orders.len();
    let bar = ProgressBar::new(count as u64).with_style(ProgressStyle::with_template(
        "placing and paying orders {wide_bar} {pos}/{len} {per_sec}",
    )?);
    tell_unseen(&bar, &format!("placing and paying {count} orders"));
    let run = play::all(story, &scene.shop, options.concurrency, &bar).await;
    bar.finish();
    run.all_well()?;

    let patience = options.payment_deadline() + Duration::from_secs(90);
    let deadline = humantime::format_duration(options.payment_deadline());
    let waiting = step(&format!(
        "waiting until every order is final: unpaid ones expire after {deadline}, late money returns"
    ));
    let ledger = scene.provider.ledger();
    let settled = story.plan.settle(&scene.shop, ledger, patience).await?;
    waiting.finish();

    report::print(story, &run, &settled, &scene.provider);
    let verdict = report::verdict(&settled);
    if options.keep {
        println!(
            "\nthe shop stays on http://{}: Ctrl-C ends it",
            scene.shop.http.address()
        );
        tokio::signal::ctrl_c()
            .await
            .context("cannot wait for Ctrl-C")?;
    }
    scene.server.stop().await?;
    verdict
}

/// Shows that something is done, for as long as it takes.
fn step(what: &str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what.to_owned());
    tell_unseen(&spinner, what);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// Where no bar can be seen, as in a file or a pipe, a line says what is done.
fn tell_unseen(bar: &ProgressBar, what: &str) {
    if bar.is_hidden() {
        eprintln!("{what}");
    }
}
