//! The loops that own time and threads.
//!
//! One thread runs the engine, one appends its blocks to the log, one reads and writes the view;
//! handlers run as tasks. They speak over channels, and callers hold a [`Handle`].

mod checks;
mod claims;
mod clock;
mod command;
mod committer;
mod delivery;
mod engine_loop;
mod handle;
mod keeper;
mod look_up;
mod metrics;
mod operator;
mod plugin_metrics;
mod plugins;
mod queueing;
mod recovery;
pub mod reload;
mod replies;
mod snapshots;
mod start;
mod state;
mod sweeper;
mod view_work;

pub use clock::SystemClock;
pub use command::SubscriptionStatus;
pub use delivery::run_of;
pub use handle::{AcceptError, BUSY_RETRY_AFTER, Dedup, Handle, Incoming, QueryError, Receipt};
pub use look_up::{Extent, FoundPage, LookUpError, Source, Told};
pub use metrics::Metrics;
pub use operator::{
    Excerpt, Few, Foretold, ForetoldEffects, ForetoldLater, ForetoldMessage, Letter, OperateError,
    Page, Preview, Previews, Redriven, ScheduleStatus, Through, TopicPage, TopicStanding,
    Transaction, Transactions,
};
pub use plugin_metrics::PluginMetrics;
pub use plugins::{PluginStatus, Refusal, Serving, Supervisor};
pub use recovery::{Recovered, recover};
pub use start::{Config, Parts, StartError, Stopper, start};
pub use state::ViewReader;
pub use sweeper::Sweeper;
pub use view_work::{ViewWork, ViewWorkError};
pub use wasmill_engine::halves::{HalfId, ParseHalfIdError, Settled};
pub use wasmill_engine::story;
pub use wasmill_engine::{
    DelayedId, HalfOf, Halted, LetterId, MoveError, OverQuota, ParseDelayedIdError,
    ParseLetterIdError, QuotaBound, RateUsed, Recalled, Redrive, RedriveError, RefusalCause,
    Resume, Standing, TopicCounts, TopicLevels,
};
