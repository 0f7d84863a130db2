//! What became of messages: told from the log's records, for those who look them up.
//!
//! Nothing is written for this but [`Op::Handled`](wasmill_model::Op::Handled) and
//! [`Op::Used`](wasmill_model::Op::Used), and nothing is
//! indexed: whoever asks has the log read. Records name a message where they carry it; afterwards
//! they speak of its number in a partition. What waits for longer than the log is kept is told
//! from the view.

mod event;
mod find;
mod parse;
mod pending;
mod sieve;
mod teller;
mod tree;
mod waiting;
mod wanted;

pub use event::{Did, Ending, Event, Handling, Story, What};
pub use find::{Filter, Finder, Found, ParsePlaceError, Place, Stored};
pub use pending::Pending;
pub use teller::Teller;
pub use waiting::{Parking, Sought, Waiting, Waits};
pub use wanted::Wanted;
