//! Dead letters, for operators: listed, delivered again, done away with.
//!
//! They are read like state: what the engine has that the view has not, then the view, and again
//! if a checkpoint came between.

use std::collections::BTreeMap;

use wasmill_engine::dead_letters::{self, LetterId, RedriveError};
use wasmill_engine::{Engine, layout};
use wasmill_model::record::DeadLetter;
use wasmill_model::{Millis, Name, PartitionId};
use wasmill_port::Guests;
use wasmill_port::store::Error;

use crate::handle::{Handle, Stopped};

/// How often letters are read anew because a checkpoint came between.
const TRIES: usize = 8;
/// Letters that are delivered again, or done away with, in one go.
const BATCH_COUNT: usize = 128;

/// A dead letter and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its name.
    pub id: LetterId,
    /// The letter.
    pub letter: DeadLetter,
}

/// Why nothing came of an operator's wish.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// There is no such letter.
    #[error("there is no such dead letter: it may have been redriven or purged")]
    NotFound,
    /// It cannot be delivered again like this.
    #[error(transparent)]
    Refused(#[from] RedriveError),
    /// Checkpoints came between what was read, each time: ask again.
    #[error("the dead letters changed while they were read")]
    Busy,
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] Error),
    /// The host is stopping, or its store failed.
    #[error("the host is stopping")]
    Stopped,
}

impl From<Stopped> for DeadLetterError {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

/// Letters of a partition, and the version of it that they were read at.
struct Read {
    version: u64,
    letters: Vec<Letter>,
}

impl<G: Guests> Handle<G> {
    /// At most `limit` dead letters after a given one, of one subscription or of all, in an order
    /// of their own that stays.
    ///
    /// # Errors
    /// [`DeadLetterError`] if they could not be read.
    pub async fn dead_letters(
        &self,
        subscription: Option<&Name>,
        after: Option<&LetterId>,
        limit: usize,
    ) -> Result<Vec<Letter>, DeadLetterError> {
        let mut found = Vec::new();
        let first = after.map_or(0, |after| after.partition.0);
        for index in first..self.partitions() {
            let partition = PartitionId(index);
            let after = after.filter(|after| after.partition == partition);
            let read = self.read(partition, subscription, after, limit - found.len());
            found.extend(read.await?.letters);
            if found.len() >= limit {
                break;
            }
        }
        Ok(found)
    }

    /// A dead letter.
    ///
    /// # Errors
    /// [`DeadLetterError`] if it is not there, or could not be read.
    pub async fn dead_letter(&self, id: &LetterId) -> Result<DeadLetter, DeadLetterError> {
        Ok(self.read_one(id).await?.1)
    }

    /// Delivers a dead letter again, to its subscription or to another one; returns once that is
    /// durable.
    ///
    /// # Errors
    /// [`DeadLetterError`]; nothing has changed.
    pub async fn redrive(&self, id: &LetterId, to: Option<&Name>) -> Result<(), DeadLetterError> {
        let to = to.cloned();
        let act = move |engine: &mut Engine, it: &Letter, now| {
            engine.redrive(it.id.partition, &it.letter, to.as_ref(), now)
        };
        Ok(self.act_on_one(id, act).await??)
    }

    /// Does away with a dead letter; returns once that is durable.
    ///
    /// # Errors
    /// [`DeadLetterError`]; nothing has changed.
    pub async fn purge(&self, id: &LetterId) -> Result<(), DeadLetterError> {
        match self.act_on_one(id, purge).await? {
            true => Ok(()),
            false => Err(DeadLetterError::NotFound),
        }
    }

    /// Delivers the dead letters of a subscription again that there are now; returns how many.
    ///
    /// # Errors
    /// [`DeadLetterError`] if it broke off; what was delivered until then is.
    pub async fn redrive_all(
        &self,
        subscription: &Name,
        to: Option<&Name>,
    ) -> Result<u64, DeadLetterError> {
        let to = to.cloned();
        let act = move |engine: &mut Engine, it: &Letter, now| {
            let done = engine.redrive(it.id.partition, &it.letter, to.as_ref(), now);
            match done {
                Ok(()) => Ok(true),
                Err(RedriveError::Gone) => Ok(false),
                Err(refused) => Err(refused),
            }
        };
        self.act_on_all(subscription, act).await
    }

    /// Does away with the dead letters of a subscription that there are now; returns how many.
    ///
    /// # Errors
    /// [`DeadLetterError`] if it broke off; what was done until then is.
    pub async fn purge_all(&self, subscription: &Name) -> Result<u64, DeadLetterError> {
        let act = |engine: &mut Engine, it: &Letter, now| Ok(purge(engine, it, now));
        self.act_on_all(subscription, act).await
    }

    async fn act_on_one<T: Send + 'static>(
        &self,
        id: &LetterId,
        act: impl Fn(&mut Engine, &Letter, Millis) -> T + Clone + Send + 'static,
    ) -> Result<T, DeadLetterError> {
        for _ in 0..TRIES {
            let (version, letter) = self.read_one(id).await?;
            let (act, id) = (act.clone(), id.clone());
            let letter = Letter { id, letter };
            let partition = letter.id.partition;
            let done = self.operate_at(version, partition, move |engine, now| {
                act(engine, &letter, now)
            });
            if let Some(done) = done.await? {
                return Ok(done);
            }
        }
        Err(DeadLetterError::Busy)
    }

    async fn act_on_all(
        &self,
        subscription: &Name,
        act: impl Fn(&mut Engine, &Letter, Millis) -> Result<bool, RedriveError>
        + Clone
        + Send
        + 'static,
    ) -> Result<u64, DeadLetterError> {
        let mut count = 0;
        for index in 0..self.partitions() {
            let partition = PartitionId(index);
            // What is given up again meanwhile is not among those that there are now.
            let end = self.operate(move |engine, _| engine.next_seq(partition));
            let end = end.await?;
            let mut after: Option<LetterId> = None;
            let mut tries = 0;
            loop {
                let Read {
                    version,
                    mut letters,
                } = self
                    .read(partition, Some(subscription), after.as_ref(), BATCH_COUNT)
                    .await?;
                letters.retain(|letter| letter.id.seq < end);
                let Some(last) = letters.last().map(|letter| letter.id.clone()) else {
                    break;
                };
                let act = act.clone();
                let done = self.operate_at(version, partition, move |engine, now| {
                    let each = letters.iter().map(|letter| act(engine, letter, now));
                    each.collect::<Result<Vec<bool>, _>>()
                });
                match done.await? {
                    Some(done) => {
                        count += done?.into_iter().filter(|it| *it).count() as u64;
                        after = Some(last);
                        tries = 0;
                    }
                    None if tries < TRIES => tries += 1,
                    None => return Err(DeadLetterError::Busy),
                }
            }
        }
        Ok(count)
    }

    /// Does something on the engine's thread, if a partition still is as it was read; what comes
    /// of it is durable.
    async fn operate_at<T: Send + 'static>(
        &self,
        version: u64,
        partition: PartitionId,
        act: impl FnOnce(&mut Engine, Millis) -> T + Send + 'static,
    ) -> Result<Option<T>, Stopped> {
        let snapshots = self.shared.snapshots.clone();
        let act = move |engine: &mut Engine, now| {
            (snapshots.version(partition) == version).then(|| act(engine, now))
        };
        self.operate(act).await
    }

    async fn read_one(&self, id: &LetterId) -> Result<(u64, DeadLetter), DeadLetterError> {
        if id.partition.0 >= self.partitions() {
            return Err(DeadLetterError::NotFound);
        }
        // The one that comes right before it.
        let before = id
            .seq
            .checked_sub(1)
            .map(|seq| LetterId { seq, ..id.clone() });
        let subscription = Some(&id.subscription);
        let Read { version, letters } = self
            .read(id.partition, subscription, before.as_ref(), 1)
            .await?;
        let found = letters.into_iter().find(|letter| letter.id == *id);
        let letter = found.ok_or(DeadLetterError::NotFound)?.letter;
        Ok((version, letter))
    }

    async fn read(
        &self,
        partition: PartitionId,
        subscription: Option<&Name>,
        after: Option<&LetterId>,
        limit: usize,
    ) -> Result<Read, DeadLetterError> {
        let prefix = layout::dead_letters(partition, subscription.map(Name::as_str));
        let mut from = after.map_or_else(|| prefix.clone(), LetterId::place);
        if after.is_some() {
            from.push(0);
        }
        for _ in 0..TRIES {
            let version = self.shared.snapshots.version(partition);
            let recent = self.operate(move |engine, _| recent(engine, partition));
            let recent: Vec<_> = recent.await?;
            // As many more as may be gone.
            let limit_stored = limit + recent.len();
            let stored = self.shared.claims.view.scan(&prefix, &from, limit_stored)?;
            if self.shared.snapshots.version(partition) != version {
                continue;
            }
            let mut letters = BTreeMap::new();
            for (place, value) in stored {
                letters.insert(place, decode(partition, &value)?);
            }
            for (id, letter) in recent {
                let place = id.place();
                if place < from || !place.starts_with(&prefix) {
                    continue;
                }
                match letter {
                    Some(letter) => drop(letters.insert(place, Letter { id, letter })),
                    None => drop(letters.remove(&place)),
                }
            }
            let letters = letters.into_values().take(limit).collect();
            return Ok(Read { version, letters });
        }
        Err(DeadLetterError::Busy)
    }

    fn partitions(&self) -> u16 {
        self.shared.snapshots.partitioner().count()
    }
}

fn purge(engine: &mut Engine, it: &Letter, now: Millis) -> bool {
    engine.purge(it.id.partition, &it.letter, now)
}

fn recent(engine: &Engine, partition: PartitionId) -> Vec<(LetterId, Option<DeadLetter>)> {
    let recent = engine.recent_dead_letters(partition);
    recent.map(|(id, letter)| (id, letter.cloned())).collect()
}

fn decode(partition: PartitionId, value: &[u8]) -> Result<Letter, Error> {
    let letter = dead_letters::read(value);
    let letter = letter.map_err(|cause| Error::new("read a dead letter", cause))?;
    let id = LetterId {
        partition,
        subscription: letter.subscription.clone(),
        seq: letter.seq,
    };
    Ok(Letter { id, letter })
}
