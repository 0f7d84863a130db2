//! How a message waits that the log no longer tells of from its beginning.

use serde::Deserialize;

use crate::cli::table::first_line;

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Waits {
    Delayed {
        due: String,
    },
    Queued {
        subscription: String,
        attempts: u32,
    },
    Parked {
        subscription: String,
        attempts: u32,
        cause: String,
        due: String,
    },
    Halted {
        subscription: String,
        attempts: u32,
        cause: String,
    },
    DeadLetter {
        subscription: String,
        attempts: u32,
        cause: String,
        since: String,
    },
    Prepared {
        checks: u32,
        cause: Option<String>,
        abandoned: bool,
    },
}

impl Waits {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Delayed { due } => format!("waits until {due}"),
            Self::Queued {
                subscription,
                attempts: 0,
            } => format!("{subscription}: waits"),
            Self::Queued {
                subscription,
                attempts,
            } => format!("{subscription}: waits after {attempts} attempts"),
            Self::Parked {
                subscription,
                attempts,
                cause,
                due,
            } => {
                let cause = first_line(cause);
                format!("{subscription}: waits until {due} after {attempts} attempts: {cause}")
            }
            Self::Halted {
                subscription,
                attempts,
                cause,
            } => {
                let cause = first_line(cause);
                format!("{subscription}: halted after {attempts} attempts: {cause}")
            }
            Self::DeadLetter {
                subscription,
                attempts,
                cause,
                since,
            } => {
                let cause = first_line(cause);
                format!("{subscription}: dead letter since {since}, {attempts} attempts: {cause}")
            }
            Self::Prepared {
                checks,
                cause,
                abandoned,
            } => prepared(*checks, cause.as_deref(), *abandoned),
        }
    }
}

pub(super) fn prepared(checks: u32, cause: Option<&str>, abandoned: bool) -> String {
    let how = if abandoned { "abandoned" } else { "prepared" };
    match cause {
        None => how.to_owned(),
        Some(cause) => format!("{how}, asked {checks} times: {}", first_line(cause)),
    }
}
