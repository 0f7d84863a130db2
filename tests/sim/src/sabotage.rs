//! Bugs planted on purpose: what shows that the simulator finds such bugs.

mod swept;

use std::sync::Arc;
use std::time::Duration;

use wasmill_engine::{Accepted, Checkpoint, Engine, Incoming, Refused, Resume, RunRequest, Write};
use wasmill_model::effects::{Effects, Outcome, Send};
use wasmill_model::routes::{Quota, Subscription, Topic};
use wasmill_model::{Message, Millis, Routes, dead_event, reserved};
use wasmill_store::MemoryView;

use crate::workload::rerouted;

use swept::SweptView;

/// A bug of the simulated host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Messages are acknowledged before they are durable.
    LostAck,
    /// A timer that rang comes back with the next restart.
    DoubledTimer,
    /// The first two messages of a run are handled in the wrong order.
    OrderSwap,
    /// Timers ring before their time.
    EarlyTimer,
    /// What was read of the view counts, though a checkpoint ended since.
    StaleClaim,
    /// A half message that waits does not reach the view.
    LostHalf,
    /// A claim is swept though its id was claimed anew.
    SweptClaim,
    /// The last bytes of a block do not reach the log, though it says so.
    TornRecord,
    /// Whoever takes a message back is told that it is done, and it is not.
    LyingRecall,
    /// A dead letter that was redriven comes back with the next restart.
    DoubledRedrive,
    /// Messages are handled by the version that serves, whichever was chosen for them.
    ForgottenChoice,
    /// A subscription that is moved misses the last message of what is delivered anew.
    LossyMove,
    /// How a schedule stands does not reach the view.
    DoubledRun,
    /// A halted key goes on by itself: what it halted at is given up.
    PassedHalt,
    /// Handlers of a broadcast see the plugin's state.
    SharedBroadcast,
    /// A subscription that is new to the routes is noted with the next restart only.
    LateNewcomer,
    /// A filter lets messages through that do not match.
    LooseFilter,
    /// A filter drops a message that matches.
    StrictFilter,
    /// The event of a dead letter is acknowledged, and nothing that its handler did is kept.
    LostEvent,
    /// The event of a dead letter comes twice.
    DoubledEvent,
    /// What was used of a quota is forgotten when the routes are loaded again.
    ForgetfulQuota,
    /// A message that is over its quota is taken in after it was refused.
    LateRefusal,
    /// A subscription remembers ids for longer than its window.
    LongClaim,
    /// A subscription forgets ids before its window is over.
    ShortClaim,
    /// Topics keep messages for as long as the log does.
    EndlessRetention,
}

/// What is planted: nothing, usually.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sabotage(pub(crate) Option<Bug>);

impl Sabotage {
    /// How many blocks are taken for durable.
    pub(crate) fn durable(self, durable: u64, sealed: u64) -> u64 {
        match self.0 {
            Some(Bug::LostAck) => sealed,
            _ => durable,
        }
    }

    /// How many milliseconds the engine's clock is ahead of the guests'.
    pub(crate) fn ahead(self) -> u64 {
        match self.0 {
            Some(Bug::EarlyTimer) => 30,
            _ => 0,
        }
    }

    /// Whether what was read at one version of a partition still holds at another.
    pub(crate) fn still_holds(self, read: u64, now: u64) -> bool {
        read == now || self.0 == Some(Bug::StaleClaim)
    }

    /// What of a checkpoint reaches the view.
    pub(crate) fn checkpoint(self, checkpoint: &mut Checkpoint) {
        let is_deleted = |write: &Write, kind| write.key[0] == kind && write.value.is_none();
        let Checkpoint { blind, atomic, .. } = checkpoint;
        match self.0 {
            Some(Bug::DoubledTimer) => blind.retain(|write| !is_deleted(write, b't')),
            Some(Bug::DoubledRedrive) => blind.retain(|write| !is_deleted(write, b'x')),
            Some(Bug::LostHalf) => blind.retain(|write| write.key[0] != b'h'),
            Some(Bug::DoubledRun) => atomic.retain(|write| write.key[0] != b'c'),
            _ => {}
        }
    }

    /// The view, to be swept.
    pub(crate) fn swept(self, view: &Arc<MemoryView>) -> SweptView {
        SweptView {
            view: view.clone(),
            is_over: self.0 == Some(Bug::SweptClaim),
        }
    }

    /// What else happens when the engine is told the time.
    pub(crate) fn tick(self, engine: &mut Engine) {
        if self.0 == Some(Bug::PassedHalt) {
            let halted = engine.halted(None).map(|it| it.subscription).next();
            let keys = halted.map(|it| engine.halted_keys(&it, None));
            if let Some(key) = keys.as_ref().and_then(|keys| keys.first()) {
                engine.resume(key, Resume::GiveUp, engine.now());
            }
        }
    }

    /// Whether what is to be taken back is left, and said to be taken back.
    pub(crate) fn lies(self) -> bool {
        self.0 == Some(Bug::LyingRecall)
    }

    /// Whether subscriptions that are new to the routes are noted.
    pub(crate) fn meets(self) -> bool {
        self.0 != Some(Bug::LateNewcomer)
    }

    /// What is delivered anew of a part of the log.
    pub(crate) fn replay(self, messages: &mut Vec<Arc<Message>>) {
        if self.0 == Some(Bug::LossyMove) {
            messages.pop();
        }
    }

    /// A run as the guest gets it: whose state it sees, and its messages.
    pub(crate) fn run(self, request: &mut RunRequest) {
        match self.0 {
            Some(Bug::SharedBroadcast) => {
                request.owner = reserved::plugin_of(&request.owner).into();
            }
            Some(Bug::OrderSwap) if request.messages.len() > 1 => request.messages.swap(0, 1),
            Some(Bug::ForgottenChoice) => {
                let all = request.messages.iter_mut();
                all.for_each(|it| it.message = it.message.chosen_for(None));
            }
            _ => {}
        }
    }

    /// The engine takes a message in, or refuses it.
    pub(crate) fn offer(
        self,
        engine: &mut Engine,
        incoming: Incoming,
        now: Millis,
    ) -> Result<Accepted, Refused> {
        let again = (self.0 == Some(Bug::LateRefusal)).then(|| incoming.clone());
        let answer = engine.accept(incoming, now);
        if let (Err(Refused::Quota(_)), Some(again)) = (&answer, again) {
            engine.set_uptime(Duration::MAX);
            drop(engine.accept(again, now));
        }
        answer
    }

    /// Other routes come into force.
    pub(crate) fn reload(
        self,
        engine: &mut Engine,
        routes: &Arc<Routes>,
        now: Millis,
    ) -> Result<(), String> {
        if self.0 == Some(Bug::ForgetfulQuota) {
            let without = |topic: &Topic| Topic {
                quota: Quota::default(),
                ..topic.clone()
            };
            let topics = routes.topics().iter().map(without).collect();
            engine.set_routes(&rerouted(routes, topics, subscriptions(routes)), now)?;
        }
        engine.set_routes(routes, now)
    }

    /// The routes by which a run's handlers go.
    pub(crate) fn routes(self, routes: Arc<Routes>) -> Arc<Routes> {
        let (times, parts) = match self.0 {
            Some(Bug::LongClaim) => (2, 1),
            Some(Bug::ShortClaim) => (1, 2),
            _ => return routes,
        };
        let mut all = subscriptions(&routes);
        for policy in all.iter_mut().filter_map(|it| it.dedup.as_mut()) {
            policy.window = policy.window * times / parts;
        }
        rerouted(&routes, routes.topics().to_vec(), all)
    }

    /// What the engine is told of a message that a handler handled.
    pub(crate) fn outcome(self, message: &Message, outcome: &mut Outcome, routes: &Routes) {
        let Ok(effects) = &mut outcome.result else {
            return;
        };
        let is_event = message.topic == *dead_event::TOPIC && is_chosen(message);
        match self.0 {
            Some(Bug::LooseFilter) => {
                let sends = effects.sends.iter_mut();
                sends.for_each(|send| let_through(send, routes));
            }
            Some(Bug::StrictFilter) => {
                let chosen = effects.sends.iter_mut();
                for send in chosen.filter(|it| is_chosen(&it.message)) {
                    send.targets.retain(|it| {
                        let subscription = routes.subscription(&it.subscription);
                        subscription.is_none_or(|it| it.filter.is_none())
                    });
                }
            }
            Some(Bug::LostEvent) if is_event => *effects = Effects::default(),
            Some(Bug::DoubledEvent) if is_event => {
                let again = routes.fan_out(Arc::new(message.clone()));
                effects.sends.push(again);
            }
            _ => {}
        }
    }

    /// At what time topics are asked whether they keep a message.
    pub(crate) fn keeps(self, at: Millis) -> Millis {
        match self.0 {
            Some(Bug::EndlessRetention) => Millis(0),
            _ => at,
        }
    }

    /// What of a block reaches the log.
    pub(crate) fn append(self, block: &[u8]) -> &[u8] {
        match self.0 {
            Some(Bug::TornRecord) => &block[..block.len() - 1],
            _ => block,
        }
    }
}

/// Some messages, whichever host has them.
fn is_chosen(message: &Message) -> bool {
    let sum: u64 = message.body.iter().copied().map(u64::from).sum();
    sum.is_multiple_of(4)
}

/// Adds those targets that a filter keeps the message from.
fn let_through(send: &mut Send, routes: &Routes) {
    let Send {
        message, targets, ..
    } = send;
    routes.each_subscriber(&message.topic, |it| {
        if it.filter.is_some() && !it.accepts(message) {
            targets.extend(it.target(message));
        }
    });
}

fn subscriptions(routes: &Routes) -> Vec<Subscription> {
    let all = routes.subscriptions();
    all.map(|it| Subscription::clone(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{simulate, simulate_with};

    /// Worlds in which a bug must be found. Each is found within a few; how many depends on the
    /// seeds, which are fixed.
    const WORLDS: u64 = 150;

    #[test]
    fn every_planted_bug_is_found_and_none_where_none_is_planted() {
        for (bug, said) in [
            (Bug::LostAck, "was sent"),
            (Bug::DoubledTimer, "happened before"),
            (Bug::OrderSwap, "turn"),
            (Bug::EarlyTimer, "rings at"),
            (Bug::StaleClaim, "was taken twice"),
            (Bug::LostHalf, "receipt"),
            (Bug::SweptClaim, "whether the claim of"),
            (Bug::TornRecord, "recovery found damage"),
            (Bug::LyingRecall, "errand"),
            (Bug::DoubledRedrive, "was there again"),
            (Bug::ForgottenChoice, "did not handle it"),
            (Bug::LossyMove, "read article"),
            (Bug::DoubledRun, "run"),
            (Bug::PassedHalt, "went on by itself"),
            (Bug::SharedBroadcast, "who keeps the state"),
            (Bug::LateNewcomer, "read article"),
            (Bug::LooseFilter, "of region"),
            (Bug::StrictFilter, "read article"),
            (Bug::LostEvent, "was not told of"),
            (Bug::DoubledEvent, "event/"),
            (Bug::ForgetfulQuota, "was let in over the quota"),
            (Bug::LateRefusal, "left its id when refused"),
            (Bug::LongClaim, "is refused at"),
            (Bug::ShortClaim, "is redeemed at"),
            (Bug::EndlessRetention, "read article"),
            (Bug::EndlessRetention, "is found"),
        ] {
            // Some workloads see a bug as something else; one sees it as what it is.
            let mut failures = (0..WORLDS).filter_map(|seed| simulate_with(seed, Some(bug)).err());
            let found = failures.find(|failure| failure.contains(said));
            let found = found.unwrap_or_else(|| panic!("{bug:?} is not found"));
            assert_eq!(
                simulate_with(seed_of(&found), Some(bug)),
                Err(found),
                "it is repeated"
            );
        }
        for seed in 0..5 {
            assert!(simulate(seed).is_ok());
        }
    }

    fn seed_of(failure: &str) -> u64 {
        let seed = failure
            .strip_prefix("seed ")
            .and_then(|rest| rest.split(':').next());
        seed.and_then(|seed| seed.parse().ok())
            .expect("a failure names its seed")
    }
}
