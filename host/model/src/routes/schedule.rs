//! A schedule: a message that the host sends by itself, again and again.

use std::time::Duration;

use bytes::Bytes;

use super::Timing;
use crate::{Message, MessageId, Millis, Name};

/// The header that names the schedule a message comes from.
pub const SCHEDULE_HEADER: &str = "wasmill-schedule";
/// The header with the time for which the message was scheduled: milliseconds since the epoch.
pub const SCHEDULED_AT_HEADER: &str = "wasmill-scheduled-at";
/// A run that is later than this was missed, and the policy decides; any other is just late.
pub const MISSED_AFTER: Duration = Duration::from_secs(10);
/// Most missed runs that are made up for: the latest.
pub const MISSED_COUNT_MAX: usize = 1_000;

/// A message to be sent whenever its time comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Unique among the routes.
    pub name: Name,
    /// When.
    pub timing: Timing,
    /// The topic.
    pub topic: Name,
    /// The key.
    pub key: Option<Name>,
    /// The tag.
    pub tag: Option<Name>,
    /// The headers, without those that tell of the schedule.
    pub headers: Vec<(Name, Name)>,
    /// The body.
    pub body: Bytes,
    /// What becomes of runs that were missed, as the host was down or its clock jumped.
    pub missed: Missed,
}

/// What becomes of missed runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missed {
    /// Nothing.
    Skip,
    /// One run, for the last of them.
    #[default]
    Once,
    /// All of them, up to [`MISSED_COUNT_MAX`].
    All,
}

impl Missed {
    /// How many missed runs are made up for.
    #[must_use]
    pub fn count_max(self) -> usize {
        match self {
            Self::Skip => 0,
            Self::Once => 1,
            Self::All => MISSED_COUNT_MAX,
        }
    }

    /// The word for it in the routes file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

impl Schedule {
    /// The message of the run at `at`. Its id is that of the schedule and the time.
    #[must_use]
    pub fn message(&self, at: Millis) -> Message {
        let id = MessageId::scheduled(&self.name, at);
        let mut headers = self.headers.clone();
        headers.push((SCHEDULE_HEADER.into(), self.name.clone()));
        headers.push((SCHEDULED_AT_HEADER.into(), at.to_string().into()));
        Message {
            id,
            topic: self.topic.clone(),
            key: self.key.clone(),
            tag: self.tag.clone(),
            headers,
            body: self.body.clone(),
            produced_at: at,
            correlation: id,
            causation: None,
            timer: None,
        }
    }
}
