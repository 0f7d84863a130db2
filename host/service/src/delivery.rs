//! Delivery: a run becomes a task, and its outcomes a command to the engine.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::runtime;
use wasmill_engine::{RunRequest, Ticket};
use wasmill_model::Name;
use wasmill_model::effects::{Failure, FailureKind, Outcome};
use wasmill_port::{Delivery, Guests, Run, RunContext};

use crate::command::Command;
use crate::metrics::{Metrics, RunMetrics};

/// How long a run goes on before it hands the rest of its messages back.
const RUN_TIME_MAX: Duration = Duration::from_millis(2);

/// What the engine asks for, as guests get it: for `time_max` at most.
#[must_use]
pub fn run_of(
    request: RunRequest,
    context: impl Into<Arc<RunContext>>,
    time_max: Duration,
) -> (Ticket, Run) {
    let RunRequest {
        ticket,
        owner,
        subscription,
        messages,
        recent,
        ..
    } = request;
    let deliveries = messages.into_iter().map(|pending| Delivery {
        subscription: subscription.clone(),
        key: pending.key,
        message: pending.message,
        attempt: pending.attempts + 1,
    });
    let run = Run::new(context, owner, deliveries.collect(), recent, time_max);
    let run = run.numbered(ticket.number());
    (ticket, run)
}

/// Starts runs.
pub(crate) struct Deliverer<G> {
    pub(crate) guests: Arc<G>,
    pub(crate) context: Arc<RunContext>,
    pub(crate) engine: Sender<Command>,
    pub(crate) runtime: runtime::Handle,
    pub(crate) metrics: Metrics,
    /// Where runs are observed, by the subscription's place in the engine.
    pub(crate) observed: Vec<Option<Arc<RunMetrics>>>,
}

impl<G: Guests> Deliverer<G> {
    /// Starts a run on the runtime.
    pub(crate) fn start(&mut self, request: RunRequest) {
        let metrics = self.metrics_of(request.place, &request.subscription);
        let (ticket, run) = run_of(request, self.context.clone(), RUN_TIME_MAX);
        let guests = self.guests.clone();
        let mut report = Report {
            ticket: Some(ticket),
            engine: self.engine.clone(),
        };
        self.runtime.spawn(async move {
            let outcomes = guests.handle(run).await;
            metrics.observe(&outcomes);
            report.send(outcomes);
        });
    }

    /// Found by its labels once, and by its place for each run.
    fn metrics_of(&mut self, place: usize, subscription: &Name) -> Arc<RunMetrics> {
        if self.observed.len() <= place {
            self.observed.resize(place + 1, None);
        }
        let metrics = &self.metrics;
        let of = self.observed[place].get_or_insert_with(|| metrics.runs(subscription).into());
        of.clone()
    }
}

/// Reports a run exactly once, even if its task is dropped or panics: a run that is never
/// reported would hold its key for ever.
struct Report {
    ticket: Option<Ticket>,
    engine: Sender<Command>,
}

impl Report {
    fn send(&mut self, outcomes: Vec<Outcome>) {
        if let Some(ticket) = self.ticket.take() {
            // The engine's thread has ended when the host stops; the run is repeated then.
            let _ = self.engine.send(Command::Completed { ticket, outcomes });
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let cause = "the host dropped the handler's call".to_owned();
        let failure = Failure {
            kind: FailureKind::Retry,
            cause,
        };
        self.send(vec![Outcome::from(Err(failure))]);
    }
}
