//! Handlers under way, which stop until a half message is durable, and questions to its owners.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wasmill_engine::{CheckRequest, RunRequest, Ticket, Verdict};
use wasmill_model::effects::{Outcome, Uniqueness};
use wasmill_model::{Half, Message, Millis, Name, Routes};
use wasmill_port::call::{CallError, Preparing};
use wasmill_port::{Preparer, Run, RunContext};
use wasmill_service::run_of;

use super::Host;
use crate::{bank, guest};

type Handlers = Pin<Box<dyn Future<Output = Vec<Outcome>>>>;

/// A message that no handler was called for, since its subscription remembered its id.
#[derive(Debug)]
pub(crate) struct PassedOver {
    /// The subscription.
    pub(crate) subscription: Name,
    /// The message.
    pub(crate) message: Arc<Message>,
    /// What time it was.
    pub(crate) at: Millis,
}

/// A run that began.
struct Going {
    ticket: Ticket,
    subscription: Name,
    messages: Vec<Arc<Message>>,
    routes: Arc<Routes>,
    handlers: Handlers,
}

/// What handlers and owners have to do.
#[derive(Default)]
pub(super) struct Runs {
    /// Runs that are to begin, by the routes that they began with.
    pub(super) waiting: Vec<(RunRequest, Arc<Routes>)>,
    pub(super) checks: Vec<CheckRequest>,
    /// Runs that wait for a half message, and the barrier that must be durable first.
    stopped: Vec<(u64, Going)>,
    /// Messages that were passed over, and that nobody was told of yet.
    passed_over: Vec<PassedOver>,
    pub(super) desk: Arc<Desk>,
}

/// Where the one handler that runs leaves its half message, and finds the answer.
#[derive(Default)]
pub(super) struct Desk(Mutex<Slot>);

#[derive(Default)]
struct Slot {
    wanted: Option<Half>,
    answer: Option<Result<(), CallError>>,
}

impl Desk {
    fn take(&self) -> Half {
        let mut slot = self.0.lock().expect("no panic here");
        slot.wanted.take().expect("it waits for nothing else")
    }

    fn answer(&self, answer: Result<(), CallError>) {
        self.0.lock().expect("no panic here").answer = Some(answer);
    }
}

impl Preparer for Desk {
    fn prepare(&self, _run: u64, half: Half) -> Preparing<'_> {
        let mut half = Some(half);
        Box::pin(poll_fn(move |_| {
            let mut slot = self.0.lock().expect("no panic here");
            match slot.answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    slot.wanted = half.take();
                    Poll::Pending
                }
            }
        }))
    }
}

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.stopped.is_empty() && self.checks.is_empty()
    }
}

impl Host {
    /// Goes on with one run, whichever, to its end or its next half message; false if none can.
    pub(crate) fn run_on(&mut self, rng: &mut StdRng) -> bool {
        let durable = self.durable();
        let mut ready = self.runs.stopped.iter();
        let ready = ready.position(|(barrier, ..)| *barrier <= durable);
        let going = match ready {
            Some(index) if self.runs.waiting.is_empty() || rng.random() => {
                let (_, going) = self.runs.stopped.swap_remove(index);
                self.runs.desk.answer(Ok(()));
                going
            }
            _ if self.runs.waiting.is_empty() => return false,
            _ => {
                let index = rng.random_range(0..self.runs.waiting.len());
                let (request, routes) = self.runs.waiting.swap_remove(index);
                self.begin(request, routes, rng.random())
            }
        };
        self.poll(going);
        self.collect();
        true
    }

    /// Takes the messages that were passed over since this was last asked.
    pub(crate) fn take_passed_over(&mut self) -> Vec<PassedOver> {
        std::mem::take(&mut self.runs.passed_over)
    }

    /// An owner answers; false if none was asked.
    pub(crate) fn answer_a_check(&mut self, rng: &mut StdRng) -> bool {
        if self.runs.checks.is_empty() {
            return false;
        }
        let index = rng.random_range(0..self.runs.checks.len());
        let request = self.runs.checks.swap_remove(index);
        let verdict = match rng.random_range(0..8) {
            0 => Verdict::Unavailable,
            1 | 2 => Verdict::Unknown("not yet".to_owned()),
            _ => Verdict::Decided(bank::verdict(&request.half)),
        };
        let now = wasmill_port::Clock::now(&*self.clock);
        self.engine.checked(&request, verdict, now);
        self.collect();
        true
    }

    fn begin(&mut self, mut request: RunRequest, routes: Arc<Routes>, luck: u64) -> Going {
        self.sabotage.run(&mut request);
        let mut chosen = request
            .messages
            .iter()
            .map(|it| it.message.chosen_version());
        let first = chosen.next();
        assert!(
            chosen.all(|it| Some(it) == first),
            "one version of a plugin handles all messages of a run"
        );
        let routes = self.sabotage.routes(routes);
        let context = RunContext {
            preparer: Some(self.runs.desk.clone()),
            routes: routes.clone(),
            ..self.context.clone()
        };
        let subscription = request.subscription.clone();
        let messages = request.messages.iter().map(|it| it.message.clone());
        let messages = messages.collect();
        let (ticket, run) = run_of(request, context, Duration::from_secs(1));
        Going {
            ticket,
            subscription,
            messages,
            routes,
            handlers: Box::pin(handle(run, StdRng::seed_from_u64(luck))),
        }
    }

    fn poll(&mut self, mut going: Going) {
        let now = wasmill_port::Clock::now(&*self.clock);
        let mut context = Context::from_waker(Waker::noop());
        match going.handlers.as_mut().poll(&mut context) {
            Poll::Ready(mut outcomes) => {
                let handled = going.messages.iter().zip(&mut outcomes);
                for (message, outcome) in handled {
                    self.sabotage.outcome(message, outcome, &going.routes);
                    if outcome.uniqueness == Uniqueness::Duplicate {
                        self.runs.passed_over.push(PassedOver {
                            subscription: going.subscription.clone(),
                            message: message.clone(),
                            at: now,
                        });
                    }
                }
                self.engine.complete(&going.ticket, outcomes, now);
            }
            Poll::Pending => {
                let half = self.runs.desk.take();
                let prepared = self.engine.prepare(going.ticket.number(), half, now);
                prepared.expect("a run under way, and room");
                let barrier = self.engine.barrier();
                self.runs.stopped.push((barrier, going));
            }
        }
    }
}

async fn handle(mut run: Run, mut luck: StdRng) -> Vec<Outcome> {
    while let Some(mut call) = run.begin() {
        let result = guest::handle(&run.plugin, &mut call, &mut luck).await;
        // Some runs hand the rest back, as one whose time is up.
        if !run.end(call, result, None) || luck.random_ratio(1, 4) {
            break;
        }
    }
    run.into_outcomes()
}
