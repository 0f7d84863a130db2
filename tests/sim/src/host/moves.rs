//! Moves of subscriptions: driven as the service does, a step at a time.

use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;
use wasmill_engine::{MoveError, Replayed, Tail, codec};
use wasmill_model::position::Replay;
use wasmill_model::{Message, Name, Start};
use wasmill_port::Clock;
use wasmill_port::store::Log;

use super::{Dead, Host};

/// How far a move has come.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// What waits is dropped.
    Dropping,
    /// Blocks from this one on are read.
    Reading(u64),
    /// The rest is read, from this block on, once it is durable.
    Ending(u64, Tail),
}

impl Host {
    /// Begins to move a subscription; false if another move is under way.
    pub(crate) fn move_to(&mut self, name: &str, to: Start) -> bool {
        let (name, now) = (Name::from(name), self.clock.now());
        let begun = self.engine.begin_move(&name, to, now);
        self.collect();
        match begun {
            Ok(()) => true,
            Err(MoveError::UnderWay(_)) => false,
            Err(refused) => panic!("{refused}"),
        }
    }

    /// Whether a subscription is being moved.
    pub(crate) fn is_moving(&self, name: &str) -> bool {
        self.engine.moves().any(|it| it.subscription == *name)
    }

    /// Goes on with one move, whichever; false if none can.
    pub(crate) fn move_on(&mut self, rng: &mut StdRng) -> Result<bool, Dead> {
        let moving: Vec<_> = self
            .engine
            .moves()
            .map(|it| it.subscription.clone())
            .collect();
        self.moves.retain(|name, _| moving.contains(name));
        if moving.is_empty() {
            return Ok(false);
        }
        let name = &moving[rng.random_range(0..moving.len())];
        let stage = self.moves.get(name).cloned();
        let went_on = match stage.unwrap_or(Stage::Dropping) {
            Stage::Dropping => self.drop_waiting(name)?,
            Stage::Reading(next) => self.read_on(name, next, rng)?,
            Stage::Ending(next, tail) => self.end_move(name, next, &tail)?,
        };
        self.collect();
        Ok(went_on)
    }

    fn drop_waiting(&mut self, name: &Name) -> Result<bool, Dead> {
        if let Some(dropped) = self.engine.drop_waiting(name, self.clock.now()) {
            return Ok(dropped > 0);
        }
        if let Some(replay) = self.replay(name) {
            let first = self.first_block(replay)?;
            let next = replay.next_block.max(first);
            self.moves.insert(name.clone(), Stage::Reading(next));
        }
        Ok(true)
    }

    /// Delivers some blocks anew, or begins with the last ones.
    fn read_on(&mut self, name: &Name, next: u64, rng: &mut StdRng) -> Result<bool, Dead> {
        if self.barrier().saturating_sub(next) <= rng.random_range(1..8) {
            let stage = match self.engine.begin_tail(name) {
                Some(tail) => Stage::Ending(next, tail),
                // It was moved to the end meanwhile.
                None => Stage::Dropping,
            };
            self.moves.insert(name.clone(), stage);
            return Ok(true);
        }
        let end = self.durable.min(next + rng.random_range(1..5));
        if end <= next {
            return Ok(false);
        }
        let messages = self.read(name, next..end, None)?;
        self.engine.replay(name, messages, end, self.clock.now());
        self.moves.insert(name.clone(), Stage::Reading(end));
        Ok(true)
    }

    fn end_move(&mut self, name: &Name, next: u64, tail: &Tail) -> Result<bool, Dead> {
        if self.durable < tail.barrier {
            return Ok(false);
        }
        let messages = self.read(name, next..tail.barrier, Some(&tail.positions))?;
        self.engine.end_move(name, messages, self.clock.now());
        self.moves.remove(name);
        Ok(true)
    }

    fn replay(&self, name: &Name) -> Option<Replay> {
        let mut moves = self.engine.moves();
        let found = moves.find(|it| it.subscription == *name)?;
        found.moving.as_ref()?.replay
    }

    /// What a subscription gets anew of some blocks.
    fn read(
        &self,
        name: &Name,
        blocks: std::ops::Range<u64>,
        until: Option<&[u64]>,
    ) -> Result<Vec<Arc<Message>>, Dead> {
        let Some(Replay { from, .. }) = self.replay(name) else {
            return Ok(Vec::new());
        };
        let begun = self.engine.position(name).expect("it is moved").since;
        let replayed = Replayed {
            routes: self.routes(),
            subscription: self.routes().subscription(name).expect("it is moved"),
            from,
            begun: self.sabotage.keeps(begun),
        };
        let mut messages = Vec::new();
        for number in blocks {
            if let Some(block) = self.log.read(number).map_err(|_| Dead)? {
                let found = replayed.of_block(&block, until);
                messages.extend(found.expect("a block of ours"));
            }
        }
        self.sabotage.replay(&mut messages);
        Ok(messages)
    }

    /// The first durable block that the log has and that is not all before the time asked for.
    fn first_block(&self, replay: Replay) -> Result<u64, Dead> {
        let (mut low, mut high) = (0, self.durable);
        while low < high {
            let middle = low + (high - low) / 2;
            let block = self.log.read(middle).map_err(|_| Dead)?;
            let header = block.map(|it| codec::header(&it).expect("a block of ours"));
            match header.is_some_and(|it| it.at >= replay.from) {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        Ok(low)
    }
}
