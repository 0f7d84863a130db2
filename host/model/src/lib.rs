//! The words of the platform: ids, time, messages, commit records, limits and routes.
//!
//! Everything else is written in these types. They know nothing of threads, stores, HTTP or
//! WebAssembly, and take time as an argument.

pub mod chosen;
pub mod dead_event;
pub mod delay_level;
pub mod effects;
pub mod filter;
pub mod half;
pub mod http;
pub mod id;
pub mod limits;
pub mod message;
pub mod name;
pub mod position;
pub mod record;
pub mod reserved;
pub mod routes;
pub mod sample;
pub mod secret;
pub mod time;
pub mod trace;

pub use delay_level::DelayLevel;
pub use effects::{Effects, Failure, FailureKind};
pub use half::{Decision, Half};
pub use id::{MessageId, PartitionId, Partitioner};
pub use limits::{Exceeded, OverLimit};
pub use message::{Message, Target};
pub use name::Name;
pub use position::{Position, Start};
pub use record::{Claim, Op, Record};
pub use routes::Routes;
pub use sample::Share;
pub use secret::Secret;
pub use time::{Millis, When};
