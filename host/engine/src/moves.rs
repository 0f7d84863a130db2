//! Subscriptions that are moved: what waits is dropped, and what the log has is delivered anew.

mod drop;
mod floors;
mod replay;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use wasmill_model::effects::Send;
use wasmill_model::position::Moving;
use wasmill_model::{Message, Millis, Name, Op, Position, Start};

use crate::engine::{Engine, Survey};

use self::floors::Floors;
pub use self::replay::{Replayed, Tail};

/// The positions of all subscriptions that the data directory knows.
#[derive(Debug, Default)]
pub(crate) struct Moves {
    positions: BTreeMap<Name, Position>,
    /// Subscriptions that a replay is under way for, and its tail, once it has begun.
    replayed: HashMap<Name, Option<Vec<Arc<Message>>>>,
    floors: Floors,
}

/// Why a subscription was not moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// The routes do not have it.
    #[error("subscription `{0}` is not in the routes")]
    UnknownSubscription(Name),
    /// It is being moved.
    #[error("subscription `{0}` is being moved: wait until it has arrived, or move it to `last`")]
    UnderWay(Name),
}

/// How a subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// When it was first seen, or last moved; when the move under way began, if one is.
    pub since: Millis,
    /// Messages that wait or run.
    pub waiting: u64,
    /// When the oldest of them was sent: what was sent before is done with.
    pub oldest: Option<Millis>,
    /// The move under way.
    pub moving: Option<Moving>,
}

impl Moves {
    pub(crate) fn position(&self, subscription: &Name) -> Option<&Position> {
        self.positions.get(subscription)
    }

    /// A step was taken before which the log had to reach back to `floor`.
    pub(crate) fn step(&mut self, barrier: u64, floor: Option<u64>) {
        if let Some(floor) = floor {
            self.floors.step(barrier, floor);
        }
    }

    pub(crate) fn set(&mut self, position: Position) {
        let name = position.subscription.clone();
        let moving = position.moving.as_ref();
        if moving.is_some_and(|moving| moving.replay.is_some()) {
            self.replayed.entry(name.clone()).or_default();
        } else {
            self.replayed.remove(&name);
        }
        self.positions.insert(name, position);
    }

    /// Whether any subscription does not get what is sent.
    pub(crate) fn diverts(&self) -> bool {
        !self.replayed.is_empty()
    }

    fn moving(&self, subscription: &Name) -> Option<&Moving> {
        self.position(subscription)?.moving.as_ref()
    }
}

impl Engine {
    /// Notes the subscriptions of the routes that the data directory does not know yet: each gets
    /// what is sent from now on, and what of the log its `start` says.
    pub fn meet(&mut self, now: Millis) {
        let since = self.advance(now);
        let routes = self.routes().clone();
        for subscription in routes.subscriptions() {
            if self.moves.position(&subscription.name).is_none() {
                let replay = subscription.start.replay();
                let moving = replay.map(|replay| Moving {
                    dropped_before: Vec::new(),
                    replay: Some(replay),
                });
                self.note(&subscription.name, since, moving);
            }
        }
    }

    /// Begins to move a subscription: [`Engine::drop_waiting`] comes next.
    ///
    /// # Errors
    /// [`MoveError`]; nothing has changed.
    pub fn begin_move(&mut self, name: &Name, to: Start, now: Millis) -> Result<(), MoveError> {
        let since = self.advance(now);
        if self.routes().subscription(name).is_none() {
            return Err(MoveError::UnknownSubscription(name.clone()));
        }
        // A move to the end stands in for another one that is under way, which may be stuck.
        if self.moves.moving(name).is_some() && to != Start::Last {
            return Err(MoveError::UnderWay(name.clone()));
        }
        let partitions = self.partitions.iter();
        let moving = Moving {
            dropped_before: partitions.map(|it| it.counters.seq).collect(),
            replay: to.replay(),
        };
        self.note(name, since, Some(moving));
        Ok(())
    }

    /// Subscriptions that are being moved.
    pub fn moves(&self) -> impl Iterator<Item = &Position> {
        let moving = |it: &&Position| it.moving.is_some();
        let positions = self.moves.positions.values().filter(moving);
        positions.filter(|it| self.routes().subscription(&it.subscription).is_some())
    }

    /// A subscription's position; none if it is not known.
    #[must_use]
    pub fn position(&self, name: &Name) -> Option<&Position> {
        self.moves.position(name)
    }

    /// How a subscription stands, by a survey that has just been completed; none if it is not
    /// known.
    pub fn standing(&mut self, name: &Name, survey: &Survey) -> Option<Standing> {
        let Position { since, moving, .. } = self.position(name)?.clone();
        let sub = self.sub(name);
        let waiting = self.subs[sub].pending;
        // The survey may have seen one that was handled since.
        let oldest = survey.oldest(sub).filter(|_| waiting > 0);
        Some(Standing {
            since,
            waiting,
            oldest,
            moving,
        })
    }

    /// When the move under way began: from then on what is sent comes through the log.
    fn begun(&self, name: &Name) -> Millis {
        self.moves.position(name).map_or(self.now, |it| it.since)
    }

    /// Commits a subscription's position.
    fn note(&mut self, name: &Name, since: Millis, moving: Option<Moving>) {
        self.redeliver(name, since, moving, Vec::new());
    }

    /// Commits a subscription's position, and with it messages that it gets anew.
    fn redeliver(
        &mut self,
        name: &Name,
        since: Millis,
        moving: Option<Moving>,
        messages: Vec<Arc<Message>>,
    ) {
        let home = self.partitioner().of(name);
        let definition = self.routes().subscription(name).cloned();
        let sends = messages.into_iter().map(|message| {
            let target = definition.as_ref().map(|it| it.target(&message));
            let (targets, unroutable) = match target {
                Some(Ok(target)) => (vec![target], Vec::new()),
                Some(Err(cause)) => (Vec::new(), vec![(name.clone(), cause)]),
                None => Default::default(),
            };
            Send {
                topic: None,
                message,
                targets,
                unroutable,
            }
        });
        let sends: Vec<_> = sends.collect();
        let position = Position {
            subscription: name.clone(),
            since,
            moving,
        };
        self.commit_as_routed(home, vec![Op::Position(position)], sends);
        self.dispatch();
    }
}
