//! The simulator: the real engine and the real recovery, over a store that fails on purpose, a
//! clock that jumps and guests that trap, all drawn from one seed.
//!
//! A world runs some hundred steps with crashes in between, then settles without faults and is
//! held against what its clients were promised. A failure names the seed that repeats it.

mod bank;
mod clock;
mod host;
mod pings;
mod promises;
mod sabotage;
mod world;

pub use sabotage::Bug;
pub use world::{Report, simulate, simulate_with};
