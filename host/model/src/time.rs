//! Points in time. The engine is told the time; it never asks.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Millis(pub u64);

impl Millis {
    /// The end of time.
    pub const MAX: Self = Self(u64::MAX);

    /// How long from `earlier` until this moment; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// When a message is to be delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// With the commit.
    #[default]
    Now,
    /// So many milliseconds from now.
    After(u64),
    /// At this time.
    At(Millis),
}

impl When {
    /// The time to wait for; none if there is nothing to wait for.
    #[must_use]
    pub fn due(self, now: Millis) -> Option<Millis> {
        let due = match self {
            Self::Now => return None,
            Self::After(delay) => Millis(now.0.saturating_add(delay)),
            Self::At(due) => due,
        };
        (due > now).then_some(due)
    }
}

impl Add<Duration> for Millis {
    type Output = Self;

    /// Saturates at the end of time, so that no delay overflows into the past.
    fn add(self, span: Duration) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
