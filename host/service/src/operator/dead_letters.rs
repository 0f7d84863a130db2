//! Dead letters: listed, delivered again, done away with.

use wasmill_engine::Engine;
use wasmill_engine::dead_letters::{LetterId, Redrive, RedriveError};
use wasmill_model::record::DeadLetter;
use wasmill_model::{Millis, Name, PartitionId};
use wasmill_port::Guests;

use super::letters::{Letter, Read, Wanted};
use super::{BEHIND_PAUSE, OperateError, PIECE_BYTES, TRIES};
use crate::handle::Handle;

/// Letters that are delivered again, or done away with, in one piece.
const PIECE_COUNT: usize = 128;

/// Some dead letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In an order of their own that stays.
    pub letters: Vec<Letter>,
    /// After which one there may be more.
    pub next: Option<LetterId>,
}

/// What became of dead letters that were to be delivered again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redriven {
    /// How many are.
    pub count: u64,
    /// How many have no key where they were to go, and stay.
    pub refused: u64,
    /// The first one of these, and why.
    pub first_refused: Option<(LetterId, RedriveError)>,
}

/// What came of something that was to be done to letters as they were read.
pub(super) enum Done<T> {
    /// A checkpoint came between.
    Stale,
    /// The disk is behind.
    Behind,
    As(T),
}

impl<G: Guests> Handle<G> {
    /// At most `limit` dead letters after a given one, of one subscription or of all: fewer if they
    /// are large.
    ///
    /// # Errors
    /// [`OperateError`] if they could not be read.
    pub async fn dead_letters(
        &self,
        subscription: Option<&Name>,
        after: Option<&LetterId>,
        limit: usize,
    ) -> Result<Page, OperateError> {
        let mut page = Page::default();
        let mut bytes = PIECE_BYTES;
        let first = after.map_or(0, |after| after.partition.0);
        for partition in (first..self.partitions()).map(PartitionId) {
            let wanted = Wanted {
                subscription,
                after: after.filter(|after| after.partition == partition),
                count: limit - page.letters.len(),
                bytes,
            };
            let Read { letters, more, .. } = self.read(partition, wanted).await?;
            let read = letters.iter().map(|it| it.letter.message.footprint());
            bytes = bytes.saturating_sub(read.sum());
            page.letters.extend(letters);
            if more || page.letters.len() >= limit || bytes == 0 {
                page.next = page.letters.last().map(|letter| letter.id.clone());
                break;
            }
        }
        Ok(page)
    }

    /// A dead letter.
    ///
    /// # Errors
    /// [`OperateError`] if it is not there, or could not be read.
    pub async fn dead_letter(&self, id: &LetterId) -> Result<DeadLetter, OperateError> {
        Ok(self.read_one(id).await?.1)
    }

    /// Delivers a dead letter again; returns once that is durable.
    ///
    /// # Errors
    /// [`OperateError`]; nothing has changed.
    pub async fn redrive(&self, id: &LetterId, redrive: &Redrive) -> Result<(), OperateError> {
        let redrive = redrive.clone();
        let act = move |engine: &mut Engine, it: &Letter, now| {
            engine.redrive(it.id.partition, &it.letter, &redrive, now)
        };
        Ok(self.act_on_one(id, act).await??)
    }

    /// Does away with a dead letter; returns once that is durable.
    ///
    /// # Errors
    /// [`OperateError`]; nothing has changed.
    pub async fn purge(&self, id: &LetterId) -> Result<(), OperateError> {
        match self.act_on_one(id, purge).await? {
            true => Ok(()),
            false => Err(OperateError::NotFound),
        }
    }

    /// Delivers the dead letters of a subscription again that there are now. Those that have no key
    /// where they are to go stay.
    ///
    /// # Errors
    /// [`OperateError`] if it broke off; what was delivered until then is.
    pub async fn redrive_all(
        &self,
        subscription: &Name,
        redrive: &Redrive,
    ) -> Result<Redriven, OperateError> {
        let redrive = redrive.clone();
        let act = move |engine: &mut Engine, it: &Letter, now| {
            engine.redrive(it.id.partition, &it.letter, &redrive, now)
        };
        let mut redriven = Redriven::default();
        let count = |id, done| {
            match done {
                Ok(()) => redriven.count += 1,
                Err(RedriveError::Gone) => {}
                Err(refused @ RedriveError::NoKey { .. }) => {
                    redriven.refused += 1;
                    redriven.first_refused.get_or_insert((id, refused));
                }
                Err(refused @ RedriveError::UnknownSubscription(_)) => return Err(refused.into()),
            }
            Ok(())
        };
        self.act_on_all(subscription, act, count).await?;
        Ok(redriven)
    }

    /// Does away with the dead letters of a subscription that there are now; returns how many.
    ///
    /// # Errors
    /// [`OperateError`] if it broke off; what was done until then is.
    pub async fn purge_all(&self, subscription: &Name) -> Result<u64, OperateError> {
        let mut purged = 0;
        let count = |_, done| {
            purged += u64::from(done);
            Ok(())
        };
        self.act_on_all(subscription, purge, count).await?;
        Ok(purged)
    }

    async fn act_on_one<T: Send + 'static>(
        &self,
        id: &LetterId,
        act: impl Fn(&mut Engine, &Letter, Millis) -> T + Clone + Send + 'static,
    ) -> Result<T, OperateError> {
        for _ in 0..TRIES {
            let (version, letter) = self.read_one(id).await?;
            let (partition, id) = (id.partition, id.clone());
            let (act, letter) = (act.clone(), Letter { id, letter });
            let done = self.operate_at(version, partition, move |engine, now| {
                act(engine, &letter, now)
            });
            match done.await? {
                Done::As(done) => return Ok(done),
                Done::Stale => {}
                Done::Behind => break,
            }
        }
        Err(OperateError::Busy)
    }

    async fn act_on_all<T: Send + 'static>(
        &self,
        subscription: &Name,
        act: impl Fn(&mut Engine, &Letter, Millis) -> T + Clone + Send + 'static,
        mut count: impl FnMut(LetterId, T) -> Result<(), OperateError> + Send,
    ) -> Result<(), OperateError> {
        // What is given up again meanwhile is not among those that there are now.
        let all = (0..self.partitions()).map(PartitionId);
        let ends: Vec<_> = self
            .operate(move |engine, _| all.map(|it| (it, engine.next_seq(it))).collect())
            .await?;
        for (partition, end) in ends {
            let mut after: Option<LetterId> = None;
            let mut tries = 0;
            loop {
                let wanted = Wanted {
                    subscription: Some(subscription),
                    after: after.as_ref(),
                    count: PIECE_COUNT,
                    bytes: PIECE_BYTES,
                };
                let Read {
                    version,
                    mut letters,
                    ..
                } = self.read(partition, wanted).await?;
                letters.retain(|letter| letter.id.seq < end);
                let Some(last) = letters.last().map(|letter| letter.id.clone()) else {
                    break;
                };
                let act = act.clone();
                let done = self.operate_at(version, partition, move |engine, now| {
                    let each = letters.into_iter().map(|letter| {
                        let done = act(engine, &letter, now);
                        (letter.id, done)
                    });
                    each.collect::<Vec<_>>()
                });
                match done.await? {
                    Done::As(done) => {
                        for (id, done) in done {
                            count(id, done)?;
                        }
                        (after, tries) = (Some(last), 0);
                    }
                    Done::Behind => tokio::time::sleep(BEHIND_PAUSE).await,
                    Done::Stale if tries < TRIES => tries += 1,
                    Done::Stale => return Err(OperateError::Busy),
                }
            }
        }
        Ok(())
    }

    /// Does something on the engine's thread, if a partition still is as it was read; what comes
    /// of it is durable.
    pub(super) async fn operate_at<T: Send + 'static>(
        &self,
        version: u64,
        partition: PartitionId,
        act: impl FnOnce(&mut Engine, Millis) -> T + Send + 'static,
    ) -> Result<Done<T>, OperateError> {
        let snapshots = self.shared.versioned.snapshots.clone();
        let done = self.operate(move |engine, now| {
            if engine.is_behind() {
                return Done::Behind;
            }
            match snapshots.version(partition) == version {
                true => Done::As(act(engine, now)),
                false => Done::Stale,
            }
        });
        Ok(done.await?)
    }
}

fn purge(engine: &mut Engine, it: &Letter, now: Millis) -> bool {
    engine.purge(it.id.partition, &it.letter, now)
}
