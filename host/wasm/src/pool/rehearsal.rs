//! Messages that a version handles for show: nothing is to come of them.

use std::pin::pin;

use tokio::time::Instant;
use wasmill_model::effects::{Failure, FailureKind, Outcome};
use wasmill_port::Run;
use wasmill_port::chosen::{REHEARSAL_TIME_MAX, Rehearsed};

use super::Serving;
use crate::deadline::after;
use crate::handled::Failed;
use crate::wasi::{Recording, Tape};

/// Longest text of a request that is told.
const REQUEST_BYTES_MAX: usize = 1 << 10;

impl Serving {
    /// A text without the secrets that the plugin is granted.
    pub(crate) fn masked(&self, text: &str) -> String {
        self.log.masked(text).into_owned()
    }

    /// Has an instance handle the first message of a run whose outcome nobody commits. No HTTP request
    /// of it leaves the host. It is none of the plugin's handlers: messages do not wait for it.
    pub(crate) async fn rehearse(&self, mut run: Run) -> Rehearsed {
        let _call = self.host.calls.enter(&self.own.calls).await;
        let recording = Recording::default();
        let is_fault = {
            let rehearsing = pin!(self.rehearse_in_turn(&mut run, &recording));
            self.in_turn(rehearsing).await
        };
        let outcome = run.into_outcomes().pop();
        let unplayed = recording.unplayed();
        // Masked before it is cut: a part of a secret would not be known for one.
        let told = |request: &String| {
            let mut told = self.masked(request);
            told.truncate(told.floor_char_boundary(REQUEST_BYTES_MAX));
            told
        };
        Rehearsed {
            outcome: outcome.unwrap_or_else(handed_back),
            is_fault,
            requests: unplayed.iter().map(told).collect(),
            requests_count: recording.unanswered(),
            lacks_files: self.lacks_files(),
        }
    }

    /// Whether it has no files though it has them where it is not kept inside.
    fn lacks_files(&self) -> bool {
        let granted = self.version.narrowed(&self.settings);
        granted.grants.files && !self.narrowed.grants.files
    }

    /// Whether the guest trapped, or went past a limit.
    async fn rehearse_in_turn(&self, run: &mut Run, recording: &Recording) -> bool {
        let Some(call) = run.begin() else {
            return false;
        };
        let now = Instant::now();
        let most = self.settings.limits.deadline.min(REHEARSAL_TIME_MAX);
        let (mut slot, tape) = (None, Tape::Plays(recording.clone()));
        let handled = self
            .handle_until(&mut slot, call, tape, now, after(now, most))
            .await;
        if let Some(instance) = slot {
            self.give_back(instance);
        }
        let is_fault = matches!(handled.result, Err(Failed::Fault(_)));
        handled.end(run);
        is_fault
    }
}

/// What is told of a message that was handled by nobody.
fn handed_back() -> Outcome {
    let cause = "the message was handed back: try again".to_owned();
    let kind = FailureKind::Unavailable;
    Outcome::from(Err(Failure { kind, cause }))
}
