//! Where a subscription stands: since when it gets what is sent, and what of the log it is yet to get
//! again.

use serde::{Deserialize, Serialize};

use crate::{Millis, Name};

/// From where on a subscription gets messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// What is sent from now on.
    #[default]
    Last,
    /// All that the log still has.
    First,
    /// What was sent at this time or later, as far as the log still has it.
    At(Millis),
}

/// A subscription that the data directory knows, and its way to where it was moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The subscription.
    pub subscription: Name,
    /// When it was first seen, or last moved; when the move under way began, if one is.
    pub since: Millis,
    /// What is left to do until it stands where it was moved to.
    pub moving: Option<Moving>,
}

/// A move under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moving {
    /// Messages that wait are done with if their number in the partition, which is the index, is
    /// lower. Empty once there are none.
    pub dropped_before: Vec<u64>,
    /// What of the log is delivered anew; none for a move to the end.
    pub replay: Option<Replay>,
}

/// The part of the log that a subscription gets anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Messages that were sent before this time are passed over.
    pub from: Millis,
    /// All blocks before this one are done with.
    pub next_block: u64,
}

impl Start {
    /// What of the log is to be delivered.
    #[must_use]
    pub fn replay(self) -> Option<Replay> {
        let from = match self {
            Self::Last => return None,
            Self::First => Millis(0),
            Self::At(time) => time,
        };
        Some(Replay {
            from,
            next_block: 0,
        })
    }
}
