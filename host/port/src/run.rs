//! A run: messages of one lane, handled one after the other on one thread.
//!
//! Running several messages of a key in one go saves a thread hop for each. Every message still
//! has its own outcome and its own commit record.

use std::sync::Arc;
use std::time::Duration;

use wasmill_model::effects::{Metered, Outcome, Scope};
use wasmill_model::routes::{CallLimits, RetrySchedule, Routes, Subscription};
use wasmill_model::{Failure, Message, Millis, Name, reserved};

use crate::Clock;
use crate::call::{Call, Preparer};
use crate::scope::{Entries, ScopeState, StateReader};

/// What every run shares.
#[derive(Clone)]
pub struct RunContext {
    /// The routes in force.
    pub routes: Arc<Routes>,
    /// Reads state from the view.
    pub reader: Arc<dyn StateReader>,
    /// The platform's time.
    pub clock: Arc<dyn Clock>,
    /// Takes half messages; without one they are refused.
    pub preparer: Option<Arc<dyn Preparer>>,
}

/// One message to hand to a handler.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The subscription that delivers it.
    pub subscription: Name,
    /// The key in that subscription.
    pub key: Option<Name>,
    /// The message.
    pub message: Arc<Message>,
    /// 1 for the first delivery.
    pub attempt: u32,
}

/// Deliveries of one lane, in order, and the outcomes so far.
pub struct Run {
    /// The plugin whose handler is called.
    pub plugin: Name,
    /// How long the run may go on before it hands the rest back.
    pub time_max: Duration,
    ticket: u64,
    context: Arc<RunContext>,
    limits: CallLimits,
    deliveries: std::vec::IntoIter<Delivery>,
    /// Absent for messages without a key, and while a call has it.
    state: Option<ScopeState>,
    /// How long the message waited whose first call is under way.
    queued: Option<Duration>,
    outcomes: Vec<Outcome>,
    /// The subscription of all deliveries, if it tells duplicates by itself.
    deduping: Option<Arc<Subscription>>,
}

/// A call that was opened.
enum Opened {
    /// Its handler is to be called.
    Wanted(Box<Call>),
    /// Nobody need be called: it has its outcome.
    Settled,
}

impl Run {
    /// A run over `deliveries` of one subscription, of the plugin behind `owner`, whose state its
    /// handler sees. If they have a key, all have the same one, and `recent` is what is newer than
    /// the view in its scope.
    #[must_use]
    pub fn new(
        context: impl Into<Arc<RunContext>>,
        owner: Name,
        deliveries: Vec<Delivery>,
        recent: Arc<Entries>,
        time_max: Duration,
    ) -> Self {
        let context = context.into();
        let first = deliveries.first();
        let key = first.and_then(|delivery| delivery.key.clone());
        let subscription = first.and_then(|it| context.routes.subscription(&it.subscription));
        let deduping = subscription.filter(|it| it.dedup.is_some()).cloned();
        let plugin = match reserved::plugin_of(&owner) {
            plugin if owner == *plugin => owner.clone(),
            plugin => plugin.into(),
        };
        let limits = context.routes.plugin(&plugin).limits;
        let state = key.map(|key| {
            let scope = Scope { plugin: owner, key };
            ScopeState::new(scope, recent, context.reader.clone())
        });
        let outcomes = Vec::with_capacity(deliveries.len());
        let deliveries = deliveries.into_iter();
        Self {
            plugin,
            time_max,
            ticket: 0,
            context,
            limits,
            deliveries,
            state,
            queued: None,
            outcomes,
            deduping,
        }
    }

    /// The same run, by the number that the engine knows it under.
    #[must_use]
    pub fn numbered(mut self, ticket: u64) -> Self {
        self.ticket = ticket;
        self
    }

    /// The version that alone handles what is left of it, if an operator chose one: the same for all
    /// messages of a run.
    #[must_use]
    pub fn chosen_version(&self) -> Option<&Name> {
        self.deliveries.as_slice().first()?.message.chosen_version()
    }

    /// Begins the next call; none at the run's end, or once its time went by here. A timer that was
    /// cancelled after it fell due, and a duplicate, are settled here, without a call.
    pub fn begin(&mut self) -> Option<Box<Call>> {
        let mut began = None;
        loop {
            let delivery = self.deliveries.next()?;
            let first = (delivery.attempt == 1).then_some(delivery.message.produced_at);
            match self.open(delivery)? {
                Opened::Wanted(call) => {
                    self.queued = first.map(|sent| self.now().since(sent));
                    return Some(call);
                }
                Opened::Settled => {
                    let now = self.now();
                    if now.since(*began.get_or_insert(now)) >= self.time_max {
                        return None;
                    }
                }
            }
        }
    }

    /// Begins the call of the same message anew, with nothing of what `call` did, for another
    /// version of the plugin. None if it cannot: the message has failed, and the run ends.
    pub fn again(&mut self, call: Box<Call>) -> Option<Box<Call>> {
        let (delivery, state) = call.abandon();
        self.state = state;
        match self.open(delivery)? {
            Opened::Wanted(call) => Some(call),
            Opened::Settled => None,
        }
    }

    /// Opens the call of a delivery; none if the store could not be read, which fails the message.
    fn open(&mut self, delivery: Delivery) -> Option<Opened> {
        let state = self.state.take();
        let mut call = Call::new(self.context.clone(), self.limits, delivery, state);
        call.of_run(self.ticket, self.outcomes.is_empty());
        let dedup = self.deduping.as_ref().and_then(|it| it.dedup.as_ref());
        match call.is_wanted(dedup) {
            Ok(true) => Some(Opened::Wanted(call)),
            Ok(false) => {
                self.end(call, Ok(()), None);
                Some(Opened::Settled)
            }
            Err(error) => {
                self.end(call, Err(error.into()), None);
                None
            }
        }
    }

    /// Ends a call, with its bill if it came to calling the guest. False if the run must stop because
    /// the message failed.
    pub fn end(
        &mut self,
        call: Box<Call>,
        result: Result<(), Failure>,
        metered: Option<Metered>,
    ) -> bool {
        let handed_back = call.is_handed_back();
        let uniqueness = call.uniqueness();
        let queued = self.queued.take().filter(|_| metered.is_some());
        let (result, state) = call.finish(result);
        self.state = state;
        if handed_back {
            return false;
        }
        let go_on = result.is_ok();
        self.outcomes.push(Outcome {
            result,
            call: metered,
            uniqueness,
            queued,
        });
        go_on
    }

    /// The outcomes so far.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// How the subscription of these messages tries them again; none if the routes no longer have it.
    #[must_use]
    pub fn retry(&self, delivery: &Delivery) -> Option<&RetrySchedule> {
        let subscription = self.context.routes.subscription(&delivery.subscription);
        subscription.map(|it| &it.retry)
    }

    /// The outcomes, one for each delivery that was handled; the rest are to be handed back.
    #[must_use]
    pub fn into_outcomes(self) -> Vec<Outcome> {
        self.outcomes
    }

    /// The time of the platform.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.context.clock.now()
    }
}
