//! How a message waits, as JSON.

use serde::Serialize;
use utoipa::ToSchema;
use wasmill_model::{Millis, Name};
use wasmill_service::story::{Parking, Waits};

use super::shown::time;

/// How a message waits that the log no longer tells of from its beginning.
#[derive(Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum ShownWaits {
    /// For its time.
    Delayed { due: String },
    /// For its subscription's handler, or for its end.
    Queued(ShownQueued),
    /// Its last delivery failed: it comes again when it is due.
    Parked(ShownParked),
    /// Its last delivery failed for good: its key waits for an operator.
    Halted(ShownParked),
    /// For an operator: its subscription gave it up.
    DeadLetter {
        #[serde(flatten)]
        queued: ShownQueued,
        cause: String,
        since: String,
    },
    /// A half message that waits for a decision.
    Prepared {
        checks: u32,
        cause: Option<String>,
        abandoned: bool,
    },
}

#[derive(Serialize, ToSchema)]
pub(super) struct ShownQueued {
    #[schema(value_type = String)]
    subscription: Name,
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    /// How many deliveries have failed.
    attempts: u32,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ShownParked {
    #[serde(flatten)]
    queued: ShownQueued,
    cause: String,
    /// None if its key is halted.
    due: Option<String>,
}

impl ShownWaits {
    pub(super) fn of(how: &Waits) -> Self {
        let queued = |subscription: &Name, key: &Option<Name>, attempts| ShownQueued {
            subscription: subscription.clone(),
            key: key.clone(),
            attempts,
        };
        match how {
            Waits::Delayed { due } => Self::Delayed { due: time(*due) },
            Waits::Queued {
                subscription,
                key,
                attempts,
                parked,
            } => {
                let queued = queued(subscription, key, *attempts);
                let Some(Parking { due, cause }) = parked else {
                    return Self::Queued(queued);
                };
                let is_halted = *due == Millis::MAX;
                let parked = ShownParked {
                    queued,
                    cause: cause.clone(),
                    due: (!is_halted).then(|| time(*due)),
                };
                match is_halted {
                    true => Self::Halted(parked),
                    false => Self::Parked(parked),
                }
            }
            Waits::Dead {
                subscription,
                key,
                attempts,
                cause,
                since,
            } => Self::DeadLetter {
                queued: queued(subscription, key, *attempts),
                cause: cause.clone(),
                since: time(*since),
            },
            Waits::Prepared {
                checks,
                cause,
                abandoned,
            } => Self::Prepared {
                checks: *checks,
                cause: cause.clone(),
                abandoned: *abandoned,
            },
        }
    }
}
