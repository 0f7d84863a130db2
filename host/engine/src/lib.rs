//! The platform's semantics as a pure state machine: a command and the time in, actions out.
//!
//! The engine knows no thread, store, socket, guest or clock, and draws nothing at random. It
//! holds the queues, lanes, timers, dedup claims and the state that is newer than the view; what
//! it commits it hands out as blocks of records, in one order. Everything it is told to forget it
//! can rebuild from the view's last checkpoint and the blocks after it.

mod backlog;
mod channels;
mod checkpoint;
pub mod claims;
pub mod codec;
mod commands;
pub mod dead_letters;
mod engine;
pub mod expiry;
mod halted;
pub mod halves;
mod lane;
pub mod layout;
mod moves;
mod overlay;
mod partition;
mod recall;
mod recover;
mod schedules;
pub mod story;
mod subscription;
mod timers;
mod topics;
mod unsealed;

pub use backlog::Pending;
pub use checkpoint::{Checkpoint, Claimed, Meta, Write};
pub use commands::{Accepted, HalfOf, Incoming, ProducerId, Refused};
pub use dead_letters::{LetterId, ParseLetterIdError, Redrive, RedriveError};
pub use engine::{Action, Config, Engine, Entries, PageRef, RunRequest, Survey, Ticket};
pub use halted::{Halted, HaltedKey, Resume};
pub use halves::{CheckRequest, HalfId, Verdict};
pub use moves::{MoveError, Replayed, Standing, Tail};
pub use recall::{DelayedId, ParseDelayedIdError, Recalled};
pub use recover::{Corrupt, Recovery};
pub use topics::{OverQuota, QuotaBound, RateUsed, RefusalCause, TopicCounts, TopicLevels};
