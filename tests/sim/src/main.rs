//! Runs simulated worlds for a while: `wasmill-sim --seconds 10 --seed 1`.

use std::time::{Duration, Instant};

use clap::Parser;
use wasmill_sim::simulate;

/// Simulates hosts that crash, and checks what their clients were promised.
#[derive(Parser)]
struct Args {
    /// How long to go on.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The first world's seed; each following world has the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the first world.
    #[arg(long)]
    once: bool,
}

fn main() {
    let args = Args::parse();
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let (mut worlds, mut crashes, mut messages) = (0_u64, 0, 0);
    for seed in args.seed.. {
        match simulate(seed) {
            Ok(report) => {
                worlds += 1;
                crashes += report.crashes;
                messages += report.messages;
            }
            Err(failure) => {
                eprintln!("{failure}\nrepeat with: wasmill-sim --once --seed {seed}");
                std::process::exit(1);
            }
        }
        if args.once || Instant::now() >= end {
            break;
        }
    }
    println!("{worlds} worlds, {crashes} crashes, {messages} messages: every promise kept");
}
