//! How plugins share the host: turns to compute, and room for calls in progress. What one plugin
//! takes is never at the cost of what another is due.

mod fair;
mod own;
mod room;
mod turns;

pub(crate) use own::{Own, Owns};
pub(crate) use room::{Room, acquire};
pub(crate) use turns::{Turns, tick};
