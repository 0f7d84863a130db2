//! Names of the host's own entries in a key's state.
//!
//! Timers, recallable messages, half messages and dedup claims are entries of the key's state under names that
//! begin with a NUL, which no plugin can write. They are so committed, cached, checkpointed and
//! recovered by the same code as the plugin's entries.

use crate::effects::Delayed;
use crate::{MessageId, Name};

/// Sorts after every name of the host's own and before every name of a plugin's.
pub const LAST: &str = "\0\u{10FFFF}";

/// The entry of a timer.
#[must_use]
pub fn timer(name: &str) -> Name {
    format!("\0t{name}").into()
}

/// The entry of a delayed message that can be recalled.
#[must_use]
pub fn recallable(id: MessageId) -> Name {
    format!("\0r{id}").into()
}

/// The entry of a dedup claim.
#[must_use]
pub fn claim(id: &str) -> Name {
    format!("\0d{id}").into()
}

/// The entry of a half message.
#[must_use]
pub fn half(name: &str) -> Name {
    format!("\0h{name}").into()
}

/// The entry that stands for a delayed message of a scope.
#[must_use]
pub fn delayed(delayed: &Delayed) -> Name {
    match &delayed.message.timer {
        Some(name) => timer(name),
        None => recallable(delayed.message.id),
    }
}
