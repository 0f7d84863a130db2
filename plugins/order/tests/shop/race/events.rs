//! What may happen next, and how it happens.

use super::{ORDER, Scenario};
use crate::provider::Lost;
use crate::world::{QueueId, TimerId, World};
use crate::{customers, halves, requests};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The buyer tries to pay.
    Pay,
    /// The seller wants to refund.
    Refund,
    /// The seller is done.
    Finish,
    /// The first message of a queue is handled.
    Deliver(QueueId, Option<Fault>),
    /// A timer that is due is handled.
    Fire(TimerId, Option<Fault>),
    /// The host asks about a half message.
    Check(halves::Id),
    /// The provider decides about a charge.
    Decide(String),
    /// The provider calls back.
    CallBack(String),
    /// Time goes on to the next timer.
    Wait,
    /// Time goes on to the deadline, past whatever timers there are.
    Deadline,
}

/// What goes wrong while a handler that speaks to the provider runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Lost(Lost),
    /// After all is done, and before its commit.
    Crash,
}

const FAULTS: [Option<Fault>; 4] = [
    None,
    Some(Fault::Lost(Lost::Request)),
    Some(Fault::Lost(Lost::Answer)),
    Some(Fault::Crash),
];

/// A moment of the race.
#[derive(Clone)]
pub(super) struct Moment {
    pub(super) world: World,
    /// What may still be asked, and go wrong.
    pub(super) left: Scenario,
    /// When the order must be paid.
    pub(super) deadline: u64,
}

impl Moment {
    /// All that may happen now. None if all is over, whether or not somebody may still ask.
    pub(super) fn events(&self) -> Vec<Event> {
        let mut events = self.under_way();
        let (world, left) = (&self.world, &self.left);
        let early = world.now < self.deadline;
        let future = world.timers.values().any(|(at, _)| *at > world.now);
        if future && (left.waits > 0 || events.is_empty()) {
            events.push(Event::Wait);
        }
        if early && future {
            events.push(Event::Deadline);
        }
        events
    }

    /// What somebody may ask for now.
    pub(super) fn asks(&self) -> Vec<Event> {
        let Scenario {
            payments,
            refunds,
            finishes,
            ..
        } = self.left;
        let asks = [
            (payments, Event::Pay),
            (refunds, Event::Refund),
            (finishes, Event::Finish),
        ];
        let asks = asks.into_iter().filter(|(left, _)| *left > 0);
        asks.map(|(_, event)| event).collect()
    }

    fn under_way(&self) -> Vec<Event> {
        let world = &self.world;
        let faults = |topic: &str| match topic {
            "payment.poll" | "payment.refund" if self.left.faults > 0 => &FAULTS[..],
            _ => &FAULTS[..1],
        };
        let mut events = Vec::new();
        for (id, queue) in &world.queues {
            for fault in faults(&queue[0].topic) {
                events.push(Event::Deliver(id.clone(), *fault));
            }
        }
        for id in world.due() {
            for fault in faults(&world.timers[id].1) {
                events.push(Event::Fire(id.clone(), *fault));
            }
        }
        let provider = &world.provider;
        events.extend(halves::open(world).cloned().map(Event::Check));
        events.extend(provider.pending().cloned().map(Event::Decide));
        events.extend(provider.to_call_back().cloned().map(Event::CallBack));
        events
    }

    /// Lets `event` happen.
    pub(super) fn happens(&mut self, event: &Event) {
        let world = &mut self.world;
        match event {
            Event::Pay => {
                self.left.payments -= 1;
                // A key of its own, which decides its id: no state knows how it was reached.
                let key = self.left.payments.to_string();
                requests::pay(world, ORDER, Some(&key));
            }
            Event::Refund => {
                self.left.refunds -= 1;
                requests::sell(world, ORDER, "refund");
            }
            Event::Finish => {
                self.left.finishes -= 1;
                requests::sell(world, ORDER, "finish");
            }
            Event::Deliver(id, fault) => {
                self.goes_wrong(*fault);
                self.world.deliver(id);
            }
            Event::Fire(id, fault) => {
                self.goes_wrong(*fault);
                self.world.fire(id);
            }
            Event::Check(id) => halves::check(world, id),
            Event::Decide(payment_id) => world.provider.decide(payment_id),
            Event::CallBack(payment_id) => customers::call_back_about(world, payment_id),
            Event::Wait => {
                let future = world.timers.values().map(|(at, _)| *at);
                let next = future.filter(|at| *at > world.now).min();
                self.time_goes_on(next.expect("a timer that is not due"));
            }
            Event::Deadline => self.time_goes_on(self.deadline),
        }
        self.world.provider.loses = None;
        self.world.crashes = false;
        self.what_races_nothing_happens();
    }

    /// Waiting while nothing else could happen is free, and so it is after the deadline: the timers
    /// come to an end.
    fn time_goes_on(&mut self, until: u64) {
        let idle = self.under_way().is_empty();
        self.world.now = until;
        if until >= self.deadline {
            self.left.waits = 0;
        } else if !idle {
            self.left.waits -= 1;
        }
    }

    fn goes_wrong(&mut self, fault: Option<Fault>) {
        match fault {
            None => return,
            Some(Fault::Lost(lost)) => self.world.provider.loses = Some(lost),
            Some(Fault::Crash) => self.world.crashes = true,
        }
        self.left.faults -= 1;
    }

    /// Handles at once what races nothing.
    fn what_races_nothing_happens(&mut self) {
        let at_once = self.left.returns_at_once;
        let alone = |id: &&QueueId| match id.0.as_str() {
            "stock-release" | "coupon-release" | "account-credit" => at_once,
            mail => mail.starts_with("notify-"),
        };
        while let Some(id) = self.world.queues.keys().find(alone).cloned() {
            self.world.deliver(&id);
        }
    }
}
