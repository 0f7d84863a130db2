//! Durable storage: the data directory, and the two ports of `wasmill-port` over sled.
//!
//! [`Sled`] keeps log and view on disk; [`Memory`] is its twin for tests and the simulator,
//! which fails and crashes when told to. Both pass the same contract suite.

mod dir;
mod disk;
mod frame;
mod memory;

pub use dir::{DataDir, Error as DirError, Settings};
pub use disk::{KEY_BYTES_MAX, Options, Sled, SledLog, SledView};
pub use memory::{Fault, Memory, MemoryLog, MemoryView};
