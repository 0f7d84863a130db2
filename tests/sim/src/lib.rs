//! The simulator: the real engine and the real recovery, over a store that fails on purpose, a
//! clock that jumps and guests that trap, all drawn from one seed.
//!
//! A world has some workloads, each with clients, operators and a guest of its own. It runs some
//! hundred steps with crashes in between, then settles without faults and is held against what
//! was promised. A failure names the seed that repeats it.

mod archive;
mod bank;
mod chimes;
mod clock;
mod errands;
mod ferries;
mod guest;
mod host;
mod jobs;
mod ledger;
mod lines;
mod news;
mod pings;
mod press;
mod sabotage;
mod tolls;
mod vouchers;
mod workload;
mod world;

pub use sabotage::Bug;
pub use world::{Report, simulate, simulate_with};
