//! The loops that own time and threads.
//!
//! One thread runs the engine, one appends its blocks to the log, one reads and writes the view;
//! handlers run as tasks. They speak over channels, and callers hold a [`Handle`].

mod claims;
mod clock;
mod command;
mod committer;
mod dead_letters;
mod delivery;
mod engine_loop;
mod handle;
mod keeper;
mod metrics;
mod recovery;
pub mod reload;
mod replies;
mod snapshots;
mod start;
mod state;

pub use clock::SystemClock;
pub use command::{Status, SubscriptionStatus};
pub use dead_letters::{DeadLetterError, Letter};
pub use handle::{AcceptError, Dedup, Handle, Incoming, QueryError, Receipt};
pub use metrics::Metrics;
pub use recovery::{Recovered, recover};
pub use start::{Config, Parts, Retention, StartError, Stopper, start};
pub use state::ViewReader;
pub use wasmill_engine::dead_letters::{LetterId, ParseLetterIdError, RedriveError};
pub use wasmill_engine::{Halted, Resume};
