//! Positions: shown and moved. A move is durable once it has begun, and goes on after a restart.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::{Arc, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;
use wasmill_engine::codec;
use wasmill_engine::{MoveError, Replayed, Standing, Survey};
use wasmill_model::routes::Subscription;
use wasmill_model::{Message, Millis, Name, Position, Start};
use wasmill_port::Guests;

use super::{BEHIND_PAUSE, OperateError};
use crate::command::Command;
use crate::handle::{Handle, Stopped};

/// Messages, and bytes of them, that are delivered anew in one piece.
const PIECE_COUNT: usize = 256;
const PIECE_BYTES: usize = 1 << 20;
/// Lanes that are looked at in one piece for the oldest message: a fraction of a millisecond.
const SURVEY_LANES: usize = 4_096;
/// So many blocks before the log's end a replay begins its tail, and reads the rest at once.
const TAIL_BLOCKS: u64 = 16;

/// A part of the log, read for a subscription.
#[derive(Default)]
struct Piece {
    messages: Vec<Arc<Message>>,
    bytes: usize,
}

/// What a replay reads for.
struct Reader<'a, G> {
    handle: &'a Handle<G>,
    subscription: Arc<Subscription>,
    from: Millis,
    /// When the move began.
    begun: Millis,
}

impl<G: Guests> Handle<G> {
    /// How a subscription stands.
    ///
    /// # Errors
    /// [`OperateError::Move`] if there is no such subscription.
    pub async fn position(&self, subscription: &Name) -> Result<Standing, OperateError> {
        let mut survey = Survey::default();
        loop {
            let name = subscription.clone();
            let step =
                self.operate(
                    move |engine, _| match engine.survey(&mut survey, SURVEY_LANES) {
                        true => ControlFlow::Break(engine.standing(&name, &survey)),
                        false => ControlFlow::Continue(survey),
                    },
                );
            match step.await? {
                ControlFlow::Continue(rest) => survey = rest,
                ControlFlow::Break(standing) => {
                    let unknown = || MoveError::UnknownSubscription(subscription.clone());
                    return Ok(standing.ok_or_else(unknown)?);
                }
            }
        }
    }

    /// Begins to move a subscription; returns once that is durable.
    ///
    /// # Errors
    /// [`OperateError::Move`]; nothing has changed.
    pub async fn move_to(&self, subscription: &Name, to: Start) -> Result<Standing, OperateError> {
        let name = subscription.clone();
        self.operate(move |engine, now| engine.begin_move(&name, to, now))
            .await??;
        self.drive_moves().await?;
        self.position(subscription).await
    }

    /// Goes on with all moves that are under way and that nobody drives yet.
    pub(crate) async fn drive_moves(&self) -> Result<(), Stopped> {
        let moves = self.operate(|engine, _| {
            let names = engine.moves().map(|it| it.subscription.clone());
            names.collect::<Vec<_>>()
        });
        for name in moves.await? {
            let is_new = |handle: &Self| handle.driven().insert(name.clone());
            if is_new(self) {
                tokio::spawn(self.clone().drive(name));
            }
        }
        Ok(())
    }

    /// Goes on with a subscription's move, and with others that begin before its name is free.
    async fn drive(self, name: Name) {
        loop {
            let done = self.go_on(&name).await;
            self.driven().remove(&name);
            self.tell(&name, &done);
            let is_next =
                done.is_ok() && self.is_moving(&name).await && self.driven().insert(name.clone());
            if !is_next {
                return;
            }
        }
    }

    async fn is_moving(&self, name: &Name) -> bool {
        let position = self.stored_position(name).await;
        position.is_ok_and(|it| it.moving.is_some())
    }

    async fn stored_position(&self, name: &Name) -> Result<Position, OperateError> {
        let of = name.clone();
        let position = self.operate(move |engine, _| engine.position(&of).cloned());
        let unknown = || MoveError::UnknownSubscription(name.clone());
        Ok(position.await?.ok_or_else(unknown)?)
    }

    fn tell(&self, subscription: &str, done: &Result<(), OperateError>) {
        match done {
            Ok(()) => tracing::info!(subscription, "a subscription was moved"),
            Err(OperateError::Stopped) => {}
            Err(error) => tracing::warn!(
                subscription,
                %error,
                "a subscription is not moved yet: it goes on when the routes change, or the host starts"
            ),
        }
    }

    async fn go_on(&self, name: &Name) -> Result<(), OperateError> {
        loop {
            let of = name.clone();
            let dropped = self.operate(move |engine, now| match engine.is_behind() {
                true => Some(0),
                false => engine.drop_waiting(&of, now),
            });
            match dropped.await? {
                None => break,
                Some(0) => tokio::time::sleep(BEHIND_PAUSE).await,
                Some(_) => {}
            }
        }
        let position = self.stored_position(name).await?;
        let Some(replay) = position.moving.as_ref().and_then(|moving| moving.replay) else {
            return Ok(());
        };
        let unknown = || MoveError::UnknownSubscription(name.clone());
        let reader = Reader {
            handle: self,
            subscription: self
                .routes()
                .subscription(name)
                .ok_or_else(unknown)?
                .clone(),
            from: replay.from,
            begun: position.since,
        };
        reader.replay(replay.next_block).await
    }

    fn driven(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        // A panic between does it no harm: it is a set of names.
        let driven = self.shared.driven.lock();
        driven.unwrap_or_else(PoisonError::into_inner)
    }

    async fn read_block(&self, number: u64) -> Result<Option<Bytes>, OperateError> {
        let (reply, block) = oneshot::channel();
        self.send(Command::ReadLog { number, reply })?;
        Ok(block.await.map_err(|_| Stopped)??)
    }
}

impl<G: Guests> Reader<'_, G> {
    /// Delivers the log anew from block `next` on, to its end.
    async fn replay(&self, next: u64) -> Result<(), OperateError> {
        let handle = self.handle;
        let mut next = next.max(self.first_block().await?);
        loop {
            let end = handle.operate(|engine, _| engine.barrier()).await?;
            if end.saturating_sub(next) <= TAIL_BLOCKS {
                break;
            }
            while next < end {
                next = self.replay_piece(next, end).await?;
            }
        }
        let name = self.subscription.name.clone();
        let tail = handle.operate(move |engine, _| engine.begin_tail(&name));
        let Some(tail) = tail.await? else {
            return Ok(());
        };
        let mut rest = Piece::default();
        for number in next..tail.barrier {
            self.read(number, Some(&tail.positions), &mut rest).await?;
        }
        let name = self.subscription.name.clone();
        let end = handle.operate(move |engine, now| engine.end_move(&name, rest.messages, now));
        Ok(end.await?)
    }

    /// Delivers a bounded part of the blocks from `next` to `end`; returns the next one.
    async fn replay_piece(&self, mut next: u64, end: u64) -> Result<u64, OperateError> {
        let mut piece = Piece::default();
        while next < end && piece.messages.len() < PIECE_COUNT && piece.bytes < PIECE_BYTES {
            self.read(next, None, &mut piece).await?;
            next += 1;
        }
        while self.handle.operate(|engine, _| engine.is_behind()).await? {
            tokio::time::sleep(BEHIND_PAUSE).await;
        }
        let name = self.subscription.name.clone();
        let messages = piece.messages;
        let done = self
            .handle
            .operate(move |engine, now| engine.replay(&name, messages, next, now));
        done.await?;
        Ok(next)
    }

    /// Adds the subscription's messages of a block; of one that is trimmed, none.
    async fn read(
        &self,
        number: u64,
        until: Option<&[u64]>,
        into: &mut Piece,
    ) -> Result<(), OperateError> {
        if let Some(block) = self.handle.read_block(number).await? {
            let replayed = Replayed {
                routes: &self.handle.routes(),
                subscription: &self.subscription,
                from: self.from,
                begun: self.begun,
            };
            match replayed.of_block(&block, until) {
                Ok(mut messages) => {
                    into.bytes += messages.iter().map(|it| it.footprint()).sum::<usize>();
                    into.messages.append(&mut messages);
                }
                Err(error) => pass_over(number, &error),
            }
        }
        Ok(())
    }

    /// The first block that the log has and that is not all before the time asked for.
    async fn first_block(&self) -> Result<u64, OperateError> {
        let end = self.handle.operate(|engine, _| engine.barrier()).await?;
        let (mut low, mut high) = (0, end);
        while low < high {
            let middle = low + (high - low) / 2;
            let is_wanted = match self.handle.read_block(middle).await? {
                None => false,
                // Where a block is damaged, what comes before it is looked at too.
                Some(block) => codec::header(&block).is_ok_and(|it| it.at >= self.from),
            };
            match is_wanted {
                true => high = middle,
                false => low = middle + 1,
            }
        }
        Ok(low)
    }
}

/// A block that cannot be read must not hold up the subscription for ever: what is intact counts.
fn pass_over(block: u64, error: &codec::DecodeError) {
    tracing::error!(block, %error, "a block of the log is damaged: its messages are not replayed");
}
