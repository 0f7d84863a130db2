//! What becomes of a message that a version handles.

use std::sync::Arc;

use tokio::time::Instant;
use wasmill_model::effects::{Failure, FailureKind, Metered};
use wasmill_port::{Call, Run};

use crate::fault::Fault;
use crate::instance::Instance;
use crate::pool::Serving;

/// What became of a message.
pub(crate) struct Handled {
    pub(crate) call: Box<Call>,
    pub(crate) result: Result<(), Failed>,
    /// None if it did not come to calling the handler.
    pub(crate) metered: Option<Metered>,
    pub(crate) ended: Instant,
    /// It was the first one of an instance that others follow in: what it took says little of those.
    pub(crate) cold: bool,
}

impl Handled {
    /// Makes it the outcome of the run's message: whether the run goes on, and since when.
    pub(crate) fn end(self, run: &mut Run) -> (bool, Instant) {
        let result = self.result.map_err(Failure::from);
        (run.end(self.call, result, self.metered), self.ended)
    }
}

/// The instances of a run: of the version that serves, and of the one on trial.
#[derive(Default)]
pub(crate) struct Slots {
    pub(crate) running: Option<Instance>,
    pub(crate) candidate: Option<Lent>,
}

/// What a run's messages go to of the version on trial: an instance, once one has begun, and what it
/// belongs to.
pub(crate) struct Lent {
    pub(crate) serving: Arc<Serving>,
    pub(crate) instance: Option<Instance>,
}

impl Lent {
    /// Keeps the instance for the next call, if what it belongs to still is in force.
    pub(crate) fn give_back(self) {
        if let Some(instance) = self.instance {
            self.serving.give_back(instance);
        }
    }
}

/// Why a message was not handled.
pub(crate) enum Failed {
    /// The handler asks for what is to become of it.
    Asked(Failure),
    /// It trapped, or went past a limit.
    Fault(Fault),
}

impl From<Failed> for Failure {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Asked(failure) => failure,
            Failed::Fault(fault) => Self {
                kind: FailureKind::Retry,
                cause: fault.0,
            },
        }
    }
}
