//! A shadow: after the running version handled a message, the candidate handles it too, over the
//! same state and with the answers that the running version had by HTTP. What it did is compared and
//! thrown away.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wasmill_model::effects::{Effects, Failure, Metered};
use wasmill_port::candidate::{Differing, Ended, ShadowPlan, Shadowed, Trial};
use wasmill_port::compare::{DIFFERENCES_MAX, Difference, differences};
use wasmill_port::{Call, Delivery, Run};

use super::Candidate;
use crate::deadline::after;
use crate::handled::{Failed, Lent, Slots};
use crate::pool::Serving;
use crate::wasi::{Recording, Tape};

/// Longest call of a shadow: the key's next message waits for it.
const TIME_MAX: Duration = Duration::from_secs(1);
/// Calls in a row that took so long after which a shadow is over, as it slows its plugin down.
const LATE_MAX: u64 = 10;

/// A shadow, and what came of it.
pub(super) struct Shadow {
    plan: ShadowPlan,
    late_in_a_row: AtomicU64,
    // Never held across an await; taken once for each message of the sample.
    seen: Mutex<Shadowed>,
}

/// What the candidate made of a message.
struct Shade {
    result: Result<Effects, Failure>,
    /// None if it is not to be compared.
    metered: Option<Metered>,
    is_fault: bool,
    unanswered: u64,
}

impl Shadow {
    pub(super) fn new(plan: ShadowPlan) -> Self {
        Self {
            plan,
            late_in_a_row: AtomicU64::new(0),
            seen: Mutex::default(),
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
        if !self.plan.sample.has_message(call.delivery().message.id) {
            let handled = running.handle_one(&mut slots.running, call, now).await;
            return handled.end(run);
        }
        let (twin, recording) = (call.twin(), Recording::default());
        let tape = Tape::Records(recording.clone());
        let deadline = after(now, running.settings.limits.deadline);
        let slot = &mut slots.running;
        let handled = running.handle_until(slot, call, tape, now, deadline).await;
        if handled.call.is_handed_back() {
            return handled.end(run);
        }
        let metered = handled.metered.filter(|_| !handled.cold);
        let (go_on, ended) = handled.end(run);
        let delivery = twin.delivery().clone();
        let Some(lent) = it.lend(slots) else {
            return (go_on, ended);
        };
        let shade = self.cast(it, lent, twin, recording.clone(), ended).await;
        let candidate = &lent.serving;
        let done = Instant::now();
        if let Some(outcome) = run.outcomes().last() {
            // The clock of the messages counts milliseconds, and may turn once more.
            let slack = done - now + Duration::from_millis(1);
            let mut found = differences(&outcome.result, &shade.result, slack);
            found.extend(recording.differences().into_iter().map(|it| Difference {
                // A secret may be part of a path.
                what: candidate.masked(&it.what),
                ..it
            }));
            found.truncate(DIFFERENCES_MAX);
            let differing = (!found.is_empty()).then(|| differing(delivery, found));
            self.note(metered, &shade, differing);
        }
        (go_on, done)
    }

    /// Has the candidate handle a message of which nothing is kept.
    async fn cast(
        &self,
        it: &Candidate,
        lent: &mut Lent,
        twin: Box<Call>,
        recording: Recording,
        now: Instant,
    ) -> Shade {
        let candidate = &lent.serving;
        let most = candidate.settings.limits.deadline.min(TIME_MAX);
        let (tape, deadline) = (Tape::Plays(recording.clone()), after(now, most));
        let slot = &mut lent.instance;
        let handled = candidate
            .handle_until(slot, twin, tape, now, deadline)
            .await;
        if handled.ended < deadline {
            self.late_in_a_row.store(0, Relaxed);
        } else if self.late_in_a_row.fetch_add(1, Relaxed) + 1 >= LATE_MAX {
            let why = format!("{LATE_MAX} of its calls in a row took {most:?} and more");
            it.end(Ended::Broken(why));
        }
        Shade {
            is_fault: matches!(handled.result, Err(Failed::Fault(_))),
            result: handled
                .call
                .into_result(handled.result.map_err(Failure::from)),
            metered: handled.metered.filter(|_| !handled.cold),
            unanswered: recording.unanswered(),
        }
    }

    fn note(&self, running: Option<Metered>, shade: &Shade, differing: Option<Differing>) {
        let mut seen = self.seen();
        seen.messages += 1;
        seen.same += u64::from(differing.is_none());
        seen.faults += u64::from(shade.is_fault);
        seen.unanswered += shade.unanswered;
        if let (Some(running), Some(candidate)) = (running, shade.metered) {
            for (nth, Metered { called, .. }) in [running, candidate].into_iter().enumerate() {
                seen.fuel[nth] += called.fuel;
                seen.time[nth] += Duration::from_micros(called.duration_us);
            }
        }
        if seen.differing.len() < self.plan.count {
            seen.differing.extend(differing);
        }
    }

    pub(super) fn status(&self) -> Trial {
        Trial::Shadow {
            plan: self.plan,
            seen: self.seen().clone(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Shadowed> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn differing(delivery: Delivery, differences: Vec<Difference>) -> Differing {
    Differing {
        message: delivery.message.id,
        subscription: delivery.subscription,
        key: delivery.key,
        differences,
    }
}
