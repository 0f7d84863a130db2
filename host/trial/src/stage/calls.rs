//! The stage's calls of the plugin: handlers and checkers, each of which may be the host's last.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use wasmill_engine::{CheckRequest, RunRequest, Verdict};
use wasmill_model::effects::{Failure, FailureKind, Outcome, Uniqueness};
use wasmill_model::half::Owner;
use wasmill_model::{Half, Message, Millis, Name, reserved};
use wasmill_port::call::{CallError, Preparing};
use wasmill_port::{Clock, Guests, Preparer};
use wasmill_service::run_of;

use super::{CallOf, Called, Cast, Handling, Stage, Stop};
use crate::error::Error;
use crate::ledger::{Did, Ending, Sent};
use crate::scenario::OutcomeKind;
use crate::watch::{Died, Seen};

/// How long a run may go on; each has one message.
const RUN_TIME_MAX: Duration = Duration::from_secs(3600);

impl Stage {
    /// Calls a handler with its message.
    pub(super) async fn handle(&mut self, cast: &Cast, request: RunRequest) -> Result<(), Stop> {
        let Some(pending) = request.messages.first().cloned() else {
            return Ok(());
        };
        let (subscription, attempt) = (request.subscription.clone(), pending.attempts + 1);
        let (ticket, run) = run_of(request, self.context.clone(), RUN_TIME_MAX);
        let began = Instant::now();
        let called = self.call(cast, cast.registry.handle(run)).await?;
        let took = began.elapsed();
        let by = Some(subscription.clone());
        let (seen, outcomes) = self.note(by, &pending.message, attempt, called)?;
        let outcome = outcomes.first().cloned();
        self.engine.complete(&ticket, outcomes, cast.clock.now());
        // Without a record the message was handed back, and comes again.
        let did = self.commit()?.flatten();
        if let (Some(did), Some(outcome)) = (did, outcome) {
            let message = pending.message.clone();
            let handling = told(message, subscription, attempt, &outcome, did);
            self.played.handlings.push(Handling {
                seen,
                took,
                ..handling
            });
        }
        Ok(())
    }

    /// Asks the owner of a half message what is to become of it.
    pub(super) async fn check(&mut self, cast: &Cast, request: CheckRequest) -> Result<(), Stop> {
        let half = &request.half;
        let verdict = match &half.owner {
            Owner::Plugin { scope, .. } if *reserved::plugin_of(&scope.plugin) == *cast.plugin => {
                let asked = cast.registry.check(&cast.plugin, half.clone());
                let called = self.call(cast, asked).await?;
                let (_, answer) = self.note(None, &half.message, half.checks + 1, called)?;
                match answer {
                    Ok(Ok(decision)) => Verdict::Decided(decision),
                    Ok(Err(cause)) => Verdict::Unknown(cause),
                    Err(error) => Verdict::Unknown(error.to_string()),
                }
            }
            _ => Verdict::Unavailable,
        };
        self.engine.checked(&request, verdict, cast.clock.now());
        Ok(())
    }

    /// Calls the plugin, and does what it waits for meanwhile. What it had done if the host dies.
    async fn call<T>(
        &mut self,
        cast: &Cast,
        calling: impl Future<Output = T>,
    ) -> Result<Result<(Seen, T), Died>, Error> {
        if let Err(died) = cast.watch.call_begins() {
            return Ok(Err(died));
        }
        let mut calling = pin!(calling);
        let returned = loop {
            tokio::select! {
                biased;
                died = cast.watch.death() => return Ok(Err(died)),
                Some(wanted) = self.halves.recv() => self.prepare(wanted)?,
                returned = &mut calling => break returned,
            }
        };
        Ok(cast.watch.call_ended().map(|seen| (seen, returned)))
    }

    /// Notes a call, even one that was cut short.
    fn note<T>(
        &mut self,
        subscription: Option<Name>,
        message: &Arc<Message>,
        attempt: u32,
        called: Result<(Seen, T), Died>,
    ) -> Result<(Arc<Seen>, T), Stop> {
        let (seen, returned) = match called {
            Ok((seen, returned)) => (Arc::new(seen), Some(returned)),
            Err(Died(seen)) => (Arc::new(seen), None),
        };
        self.played.calls.push(Called {
            id: message.id,
            of: CallOf {
                subscription,
                message: Sent::new(message, None),
            },
            attempt,
            seen: seen.clone(),
            cut_short: returned.is_none(),
        });
        Ok((seen, returned.ok_or(Stop::Died)?))
    }

    /// Makes a half message durable while its handler waits.
    fn prepare(&mut self, wanted: Prepare) -> Result<(), Error> {
        let Prepare { run, half, reply } = wanted;
        let now = self.context.clock.now();
        let prepared = self.engine.prepare(run, half, now);
        self.commit()?;
        let answer = prepared.map_err(|error| CallError::Unavailable(error.to_string()));
        // A guest that trapped meanwhile waits no longer.
        let _ = reply.send(answer);
        Ok(())
    }
}

/// What is told of a handling, but what was seen of it.
fn told(
    message: Arc<Message>,
    subscription: Name,
    attempt: u32,
    outcome: &Outcome,
    did: Did,
) -> Handling {
    let (kind, cause) = match (&outcome.result, did.ending) {
        (Ok(_), _) if outcome.uniqueness == Uniqueness::Duplicate => (OutcomeKind::Duplicate, ""),
        (Ok(_), _) => (OutcomeKind::Ok, ""),
        (Err(Failure { kind, cause }), ending) => {
            let kind = match (kind, ending) {
                (_, Ending::Retry(Millis::MAX)) => OutcomeKind::Halted,
                (_, Ending::Retry(_)) => OutcomeKind::Retry,
                (FailureKind::Reject, _) => OutcomeKind::Reject,
                _ => OutcomeKind::DeadLetter,
            };
            (kind, cause.as_str())
        }
    };
    Handling {
        message,
        subscription,
        attempt,
        outcome: kind,
        cause: cause.to_owned(),
        did,
        seen: Arc::default(),
        took: Duration::ZERO,
        fuel: outcome.call.map_or(0, |call| call.called.fuel),
    }
}

/// A half message on its way to the log, and where its handler waits.
pub(super) struct Prepare {
    run: u64,
    half: Half,
    reply: oneshot::Sender<Result<(), CallError>>,
}

/// Takes half messages of handlers to the stage.
pub(super) struct Desk(pub(super) mpsc::UnboundedSender<Prepare>);

impl Preparer for Desk {
    fn prepare(&self, run: u64, half: Half) -> Preparing<'_> {
        let (reply, answer) = oneshot::channel();
        // The stage outlives every handler that it calls.
        let _ = self.0.send(Prepare { run, half, reply });
        let stopped = |_| CallError::Unavailable("the host is stopping".to_owned());
        Box::pin(async move { answer.await.map_err(stopped)? })
    }
}
