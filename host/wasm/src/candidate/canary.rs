//! A canary: the candidate handles the messages of a share of the keys.
//!
//! A message that fails with it is handled at once by the running version, with nothing of what the
//! candidate did; so no message is worse off for having met it. A plugin that may act outside of its
//! commit may have done so: there the message is retried by its subscription's schedule, and later
//! attempts are the running version's alone.

use tokio::time::Instant;
use wasmill_model::effects::{Failure, FailureKind, Metered};
use wasmill_model::{MessageId, Millis, Name};
use wasmill_port::candidate::{CanaryPlan, Ended, Trial};
use wasmill_port::{Call, Run};

use super::Candidate;
use super::figures::{Tally, Took, verdict};
use crate::handled::{Handled, Slots};
use crate::pool::Serving;

/// A canary, and what both versions did since it began.
pub(super) struct Canary {
    plan: CanaryPlan,
    until: Millis,
    running: Tally,
    candidate: Tally,
}

impl Canary {
    pub(super) fn new(plan: CanaryPlan, since: Millis) -> Self {
        Self {
            until: since + plan.window,
            plan,
            running: Tally::default(),
            candidate: Tally::default(),
        }
    }

    pub(super) async fn handle(
        &self,
        it: &Candidate,
        running: &Serving,
        slots: &mut Slots,
        run: &mut Run,
        call: Box<Call>,
        now: Instant,
    ) -> (bool, Instant) {
        let delivery = call.delivery();
        let is_first = delivery.attempt == 1;
        let acts_outside = running.settings.grants.external();
        // A message that would be given up for its first failure is not risked.
        let has_more = || run.retry(delivery).is_some_and(|it| it.after(1).is_some());
        let takes = is_first
            && self.takes(delivery.key.as_ref(), delivery.message.id)
            && (!acts_outside || has_more());
        let Some(lent) = takes.then(|| it.lend(slots)).flatten() else {
            let handled = running.handle_one(&mut slots.running, call, now).await;
            if is_first && !handled.call.is_handed_back() {
                self.running.count(&handled);
            }
            return handled.end(run);
        };
        let candidate = &lent.serving;
        // Its settings may be newer than those of the run.
        let acts_outside = acts_outside || candidate.settings.grants.external();
        let mut handled = candidate.handle_one(&mut lent.instance, call, now).await;
        if handled.call.is_handed_back() {
            return handled.end(run);
        }
        self.candidate.count(&handled);
        self.judge(it);
        let Err(failed) = handled.result else {
            return handled.end(run);
        };
        if acts_outside {
            let failure = Failure::from(failed);
            let metered = handled.metered;
            return (
                run.end(handled.call, Err(softened(failure)), metered),
                handled.ended,
            );
        }
        let now = handled.ended;
        match run.again(handled.call) {
            Some(call) => {
                handled = running.handle_one(&mut slots.running, call, now).await;
                handled.end(run)
            }
            None => (false, now),
        }
    }

    /// Whether a message of this key, or without one, is the candidate's.
    fn takes(&self, key: Option<&Name>, message: MessageId) -> bool {
        match key {
            Some(key) => self.plan.share.has_key(key),
            None => self.plan.share.has_message(message),
        }
    }

    /// Rolls the candidate back if it is worse.
    fn judge(&self, it: &Candidate) {
        if let Some(why) = verdict(&self.running, &self.candidate, &self.plan.bounds) {
            it.end(Ended::RolledBack(why));
        }
    }

    pub(super) fn status(&self) -> Trial {
        Trial::Canary {
            plan: self.plan.clone(),
            until: self.until,
            running: self.running.figures(),
            candidate: self.candidate.figures(),
        }
    }
}

impl Tally {
    fn count(&self, handled: &Handled) {
        if let Some(Metered { called, .. }) = handled.metered {
            let took = Took {
                micros: called.duration_us,
                fuel: called.fuel,
            };
            self.add(handled.result.is_err(), (!handled.cold).then_some(took));
        }
    }
}

/// A candidate's failure of a message that it may have done something for: it is retried, even if the
/// candidate would rather give it up.
fn softened(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::Reject => Failure {
            kind: FailureKind::Retry,
            ..failure
        },
        _ => failure,
    }
}
