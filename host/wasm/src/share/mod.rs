//! How plugins share the host: turns to compute, and room for calls in progress. What one plugin
//! takes is never at the cost of what another is due.

mod fair;
mod room;
mod turns;

pub(crate) use room::{OWN_MAX, Room, acquire};
pub(crate) use turns::{Turns, tick};
