//! Visits every state that can be reached, each once.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::rc::Rc;
use std::thread;

use wasmill_plugin_order::domain::Order;

use super::events::{Event, Moment};
use super::fingerprint::fingerprint;
use super::{ORDER, Scenario};
use crate::books;
use crate::world::World;

/// A scenario with more states than this has a loop.
const STATES_MAX: usize = 5_000_000;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) states: usize,
    /// How the order and its payments ended, wherever nothing was left to happen.
    pub(super) ends: BTreeSet<String>,
}

/// Lets everything happen in every order, from `world` on.
pub(super) fn explore(scenario: &Scenario, world: World) -> Found {
    let order: Order = world.load("order", ORDER, "order").expect("an order");
    let first = Moment {
        deadline: order.deadline.unwrap_or(world.now),
        left: *scenario,
        world,
    };
    let mut seen = HashSet::from([fingerprint(&first)]);
    let mut found = Found::default();
    let mut open = vec![Step::first(Rc::new(first))];
    while let Some(step) = open.pop() {
        let moment = step.take();
        if !seen.insert(fingerprint(&moment)) && step.event.is_some() {
            continue;
        }
        assert!(seen.len() < STATES_MAX, "there is a loop");
        let events = moment.events();
        step.watched(|| books::money_is_where_it_is_said_to_be(&moment.world));
        if events.is_empty() {
            step.watched(|| books::close(&moment.world));
            let mut outcomes = books::outcomes(&moment.world);
            outcomes.sort();
            found.ends.insert(outcomes.join("; "));
        }
        let (moment, step) = (Rc::new(moment), Rc::new(step));
        let all = events.into_iter().chain(moment.asks());
        open.extend(all.map(|event| Step {
            from: Rc::clone(&moment),
            event: Some(event),
            before: Some(Rc::clone(&step)),
        }));
    }
    found.states = seen.len();
    found
}

/// Something that happens at a moment, and all that came before.
struct Step {
    from: Rc<Moment>,
    event: Option<Event>,
    before: Option<Rc<Step>>,
}

impl Step {
    fn first(from: Rc<Moment>) -> Self {
        Self {
            from,
            event: None,
            before: None,
        }
    }

    /// The moment after it.
    fn take(&self) -> Moment {
        let mut moment = Moment::clone(&self.from);
        if let Some(event) = &self.event {
            self.watched(|| moment.happens(event));
        }
        moment
    }

    /// Tells, if `what` fails, how it came to that.
    fn watched(&self, what: impl FnOnce()) {
        let _trail = Trail(self);
        what();
    }
}

/// Tells what led to a failure.
struct Trail<'a>(&'a Step);

impl Drop for Trail<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("this came before:{}", self.0);
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut events = Vec::new();
        let mut step = Some(self);
        while let Some(it) = step {
            events.extend(&it.event);
            step = it.before.as_deref();
        }
        for event in events.into_iter().rev() {
            write!(f, "\n  {event:?}")?;
        }
        Ok(())
    }
}
