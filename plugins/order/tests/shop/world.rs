//! The world: queues by subscription and key, state by plugin and key, timers, a clock, and the
//! faults. Order within a queue is kept, everything else is chance.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::de::DeserializeOwned;
use wasmill_sdk::{Accepted, Failure, HalfState, Message, Outgoing, Problem, Request, Response};

use crate::bus::{Call, Died, Effects, Halves, State};
use crate::provider::Provider;
use crate::routes::Routes;
use crate::{books, customers, halves, plugins};

/// Steps of a saga that may become dead letters, questions and answers. What undoes them and what
/// moves money is retried until it succeeds.
const MAY_DIE: [&str; 9] = [
    "stock.reserve",
    "stock.reserved",
    "stock.rejected",
    "coupon.use",
    "coupon.used",
    "coupon.rejected",
    "account.debit",
    "account.debited",
    "account.rejected",
];
/// A seed that does not settle within this many steps has a loop.
const STEPS_MAX: u32 = 100_000;

/// Who has the price list: the plugin on this host.
pub(crate) const PRICE_LIST: &str = "order@host";

/// Subscription and key.
pub(crate) type QueueId = (String, String);
/// Plugin, key and name.
pub(crate) type TimerId = (String, String, String);

/// Everything there is.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) random: StdRng,
    pub(crate) now: u64,
    pub(crate) provider: Provider,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// By plugin and key.
    pub(crate) states: BTreeMap<(String, String), State>,
    pub(crate) halves: Halves,
    /// How those ended that did.
    pub(crate) decided: Vec<HalfState>,
    /// After how many more calls of the host the handler of a payment dies.
    pub(crate) dies_in: Option<u32>,
    pub(crate) routes: &'static Routes,
    pub(crate) queues: BTreeMap<QueueId, VecDeque<Message>>,
    /// When, and to which topic.
    pub(crate) timers: BTreeMap<TimerId, (u64, String)>,
    dead: Vec<(QueueId, Message)>,
    pub(crate) faulty: bool,
    /// Whether the next handler crashes before its commit.
    pub(crate) crashes: bool,
    next_id: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            now: 1_000_000,
            provider: Provider::new(seed ^ 0x5eed),
            files: BTreeMap::new(),
            states: BTreeMap::new(),
            halves: Halves::new(),
            decided: Vec::new(),
            dies_in: None,
            routes: Routes::example(),
            queues: BTreeMap::new(),
            timers: BTreeMap::new(),
            dead: Vec::new(),
            faulty: true,
            crashes: false,
            next_id: 0,
        }
    }

    /// A request at a plugin's door; what it becomes is sent to `topic`. Sometimes the client is
    /// not sure and asks again.
    pub(crate) fn request(
        &mut self,
        plugin: &str,
        topic: &str,
        request: &Request,
    ) -> Result<Accepted, Problem> {
        let again = self.faulty && self.random.random_bool(0.1);
        let state = State::new();
        let dies_in = self.dies_in.take();
        let admitted = plugins::admit(plugin, &mut call(self, plugin, "", &state), request);
        self.dies_in = dies_in;
        let accepted = admitted?;
        for _ in 0..1 + usize::from(again) {
            self.publish(topic, accepted.key.as_deref(), &accepted.body);
        }
        Ok(accepted)
    }

    /// What the host's price list answers.
    pub(crate) fn quote(&mut self, sku: &str, request: &Request) -> Response {
        let scope = (PRICE_LIST.to_owned(), sku.to_owned());
        let state = self.states.get(&scope).cloned().unwrap_or_default();
        let mut call = call(self, "order", sku, &state);
        wasmill_plugin_order::answer(&mut call, sku, request)
    }

    /// One thing happens, anywhere. False if nothing is left but to wait.
    pub(crate) fn step(&mut self) -> bool {
        if self.faulty && !self.dead.is_empty() && self.random.random_bool(0.02) {
            let chosen = self.random.random_range(0..self.dead.len());
            self.redrive(chosen);
        }
        let due: Vec<_> = self.due().cloned().collect();
        if halves::check_one(self) {
            return true;
        }
        let choices = self.queues.len() + due.len();
        if choices == 0 {
            return false;
        }
        let chosen = self.random.random_range(0..choices);
        match due.into_iter().nth(chosen) {
            Some(timer) => self.fire(&timer),
            None => {
                let chosen = self.random.random_range(0..self.queues.len().max(1));
                if let Some(id) = self.queues.keys().nth(chosen).cloned() {
                    self.deliver(&id);
                }
            }
        }
        true
    }

    /// The timers that are due.
    pub(crate) fn due(&self) -> impl Iterator<Item = &TimerId> {
        let due = self.timers.iter().filter(|(_, (at, _))| *at <= self.now);
        due.map(|(id, _)| id)
    }

    /// Lets time pass. Whatever is queued has not moved meanwhile: every timeout may be first.
    pub(crate) fn wait(&mut self, milliseconds: u64) {
        self.now += milliseconds;
    }

    /// No more faults; everything that is under way comes to its end.
    pub(crate) fn settle(&mut self) {
        self.faulty = false;
        self.provider.faulty = false;
        for _ in 0..STEPS_MAX {
            if self.step() {
                continue;
            }
            if !self.dead.is_empty() {
                // Redriven when all is over: too late to do anything.
                self.redrive(0);
            } else if let Some(next) = self.timers.values().map(|(at, _)| *at).min() {
                customers::decide_one(self);
                self.now = self.now.max(next);
            } else if !customers::call_back(self) {
                return;
            }
        }
        panic!(
            "the shop does not settle: {:?}, {:?}",
            self.queues.keys(),
            self.timers
        );
    }

    /// A value of a plugin's state.
    pub(crate) fn load<T: DeserializeOwned>(
        &self,
        plugin: &str,
        key: &str,
        name: &str,
    ) -> Option<T> {
        let state = self.states.get(&(plugin.to_owned(), key.to_owned()))?;
        Some(serde_json::from_slice(state.get(name)?).expect("state is of its type"))
    }

    /// All values of this name in a plugin's state, by key.
    pub(crate) fn all<T: DeserializeOwned>(&self, plugin: &str, name: &str) -> BTreeMap<String, T> {
        let keys = self
            .states
            .keys()
            .filter(|(of, _)| of == plugin)
            .map(|(_, key)| key);
        keys.filter_map(|key| Some((key.clone(), self.load(plugin, key, name)?)))
            .collect()
    }

    /// Delivers a timer.
    pub(crate) fn fire(&mut self, timer: &TimerId) {
        let (plugin, key, _) = timer;
        let (_, topic) = self.timers[timer].clone();
        let sub = self
            .routes
            .subscribers(&topic)
            .find(|(_, sub)| sub.plugin == *plugin);
        let (subscription, _) = sub.unwrap_or_else(|| panic!("no subscription for {topic}"));
        let message = self.message(&topic, subscription.clone(), key.clone(), b"{}");
        // It stays pending until it is handled; the handler may set it again.
        let pending = self.timers.remove(timer);
        if !self.handle(&message, &plugin.clone()) {
            self.timers
                .entry(timer.clone())
                .or_insert(pending.expect("it was there"));
        }
    }

    /// Delivers the first message of a queue.
    pub(crate) fn deliver(&mut self, id: &QueueId) {
        let queue = self.queues.get_mut(id).expect("a queue that was chosen");
        let message = queue.front().expect("no queue is empty").clone();
        let plugin = self.routes.subscriptions[&id.0].plugin.clone();
        let dies = self.faulty && MAY_DIE.contains(&message.topic.as_str());
        if dies && self.random.random_bool(0.02) {
            self.dead.push((id.clone(), message));
        } else if !self.handle(&message, &plugin) {
            return;
        } else if self.faulty && self.random.random_bool(0.03) {
            // Delivered again, later: the rules must not lean on the host's exactly-once.
            self.queues
                .get_mut(id)
                .expect("still there")
                .push_back(message);
        }
        let queue = self.queues.get_mut(id).expect("still there");
        queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(id);
        }
    }

    /// Runs a handler; false if it failed or crashed before its commit, and left nothing behind.
    fn handle(&mut self, message: &Message, plugin: &str) -> bool {
        let crashes = std::mem::take(&mut self.crashes);
        let key = message.key.clone().expect("the shop's messages are keyed");
        let owner = self.routes.subscriptions[&message.subscription].owner();
        let scope = (owner, key.clone());
        let state = self.states.get(&scope).cloned().unwrap_or_default();
        let mut call = call(self, plugin, &key, &state);
        let handled = AssertUnwindSafe(|| plugins::handle(plugin, &mut call, message));
        let result = match catch_unwind(handled) {
            Ok(result) => result,
            Err(panic) if panic.is::<Died>() => return false,
            Err(panic) => resume_unwind(panic),
        };
        let Effects {
            writes,
            sends,
            timers,
            settled,
        } = call.effects;
        match result {
            Ok(()) => {}
            Err(Failure::Reject(cause)) => {
                panic!("{} became a dead letter: {cause}", message.topic)
            }
            Err(_) => return false,
        }
        if crashes || self.faulty && self.random.random_bool(0.05) {
            return false;
        }
        self.states.entry(scope).or_default().extend(writes);
        for (name, timer) in timers {
            let id = (plugin.to_owned(), key.clone(), name);
            match timer {
                Some(timer) => drop(self.timers.insert(id, timer)),
                None => drop(self.timers.remove(&id)),
            }
        }
        for Outgoing {
            topic, key, body, ..
        } in sends
        {
            self.publish(&topic, key.as_deref(), &body);
        }
        for (name, state) in settled {
            halves::settle(self, &(plugin.to_owned(), key.clone(), name), state);
        }
        books::audit(self, plugin, &key);
        true
    }

    pub(crate) fn publish(&mut self, topic: &str, key: Option<&str>, body: &[u8]) {
        let targets: Vec<_> = self
            .routes
            .subscribers(topic)
            .map(|(name, sub)| (name.clone(), sub.key_of(key, body)))
            .collect();
        self.next_id += 1;
        for (subscription, key) in targets {
            let message = self.message(topic, subscription.clone(), key.clone(), body);
            self.queues
                .entry((subscription, key))
                .or_default()
                .push_back(message);
        }
    }

    fn message(&self, topic: &str, subscription: String, key: String, body: &[u8]) -> Message {
        let id = format!("{:032x}", self.next_id);
        Message {
            topic: topic.to_owned(),
            subscription,
            key: Some(key),
            tag: None,
            headers: Vec::new(),
            body: body.to_vec(),
            produced_at: self.now,
            attempt: 1,
            correlation: id.clone(),
            causation: None,
            id,
        }
    }

    fn redrive(&mut self, index: usize) {
        let (id, message) = self.dead.swap_remove(index);
        self.queues.entry(id).or_default().push_back(message);
    }
}

/// The host of a call, over those parts of the world that a call may touch.
pub(crate) fn call<'a>(
    world: &'a mut World,
    plugin: &'a str,
    key: &'a str,
    state: &'a State,
) -> Call<'a> {
    Call {
        plugin,
        key,
        now: world.now,
        routes: world.routes,
        state,
        provider: &mut world.provider,
        files: &mut world.files,
        random: &mut world.next_id,
        halves: &mut world.halves,
        dies_in: &mut world.dies_in,
        effects: Effects::default(),
    }
}
