//! Half messages: listed, shown, settled by their producers and by operators.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::spawn_blocking;
use wasmill_engine::halves::{self, HalfId, Kept, Settled};
use wasmill_engine::{claims, layout};
use wasmill_model::{Decision, Half, MessageId, PartitionId};
use wasmill_port::Guests;
use wasmill_port::store::{Error, View};

use super::{OperateError, PIECE_BYTES, TRIES};
use crate::handle::Handle;

/// Half messages that are read of the view before their bytes are counted.
const SCAN_COUNT: usize = 8;

/// How a half message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// Nobody has decided.
    Unsettled(Arc<Half>),
    /// It is settled.
    Settled(Decision),
}

/// Some unsettled half messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transactions {
    /// In an order of their own that stays.
    pub unsettled: Vec<(HalfId, Arc<Half>)>,
    /// After which one there may be more.
    pub next: Option<HalfId>,
}

/// Half messages by their ids.
type Unsettled = BTreeMap<MessageId, Arc<Half>>;

impl<G: Guests> Handle<G> {
    /// A half message, or what was decided about it.
    ///
    /// # Errors
    /// [`OperateError`] if it is not there, or could not be read.
    pub async fn transaction(&self, id: HalfId) -> Result<Transaction, OperateError> {
        let found = self.with_kept(id, |kept| {
            move |engine: &mut wasmill_engine::Engine, _| match engine.half(id, &kept) {
                Some(half) => Some(Transaction::Unsettled(half)),
                None => engine.decision(id, &kept).map(Transaction::Settled),
            }
        });
        found.await?.ok_or(OperateError::NoTransaction)
    }

    /// Settles a half message, unless it is settled; returns what stands once that is durable.
    ///
    /// # Errors
    /// [`OperateError`]; nothing has changed.
    pub async fn settle(&self, id: HalfId, decision: Decision) -> Result<Settled, OperateError> {
        let settled = self.with_kept(id, |kept| {
            move |engine: &mut wasmill_engine::Engine, now| {
                engine.settle_half(id, &kept, decision, now)
            }
        });
        let settled = settled.await?;
        settled.ok_or(OperateError::NoTransaction)
    }

    /// At most `limit` unsettled half messages after a given one: fewer if they are large.
    ///
    /// # Errors
    /// [`OperateError`] if they could not be read.
    pub async fn transactions(
        &self,
        after: Option<HalfId>,
        limit: usize,
    ) -> Result<Transactions, OperateError> {
        let mut page = Transactions::default();
        let mut bytes = 0;
        let first = after.map_or(0, |after| after.partition.0);
        for partition in (first..self.partitions()).map(PartitionId) {
            let behind = after.filter(|after| after.partition == partition);
            let (unsettled, more) = self.unsettled(partition, behind, limit).await?;
            for (message, half) in unsettled {
                if page.unsettled.len() == limit || bytes >= PIECE_BYTES {
                    page.next = page.unsettled.last().map(|(id, _)| *id);
                    return Ok(page);
                }
                bytes += half.footprint();
                let id = HalfId { partition, message };
                page.unsettled.push((id, half));
            }
            if more {
                page.next = page.unsettled.last().map(|(id, _)| *id);
                return Ok(page);
            }
        }
        Ok(page)
    }

    /// A partition's unsettled half messages after a given one, and whether there may be more: at
    /// least one more than `limit` comes if there are as many, unless they are large.
    async fn unsettled(
        &self,
        partition: PartitionId,
        after: Option<HalfId>,
        limit: usize,
    ) -> Result<(Unsettled, bool), OperateError> {
        let snapshots = &self.shared.versioned.snapshots;
        for _ in 0..TRIES {
            let version = snapshots.version(partition);
            let recent = self.operate(move |engine, _| engine.recent_halves(partition));
            let recent = recent.await?;
            let view = self.shared.versioned.view.clone();
            let scan = move || merge(&*view, partition, after, recent, limit);
            let merged = spawn_blocking(scan).await;
            let merged = merged.map_err(|_| OperateError::Stopped)??;
            if snapshots.version(partition) == version {
                return Ok(merged);
            }
        }
        Err(OperateError::Busy)
    }

    /// Does something on the engine's thread with what the view has of a half message, as long as
    /// that holds.
    async fn with_kept<T: Send + 'static, F>(
        &self,
        id: HalfId,
        act: impl Fn(Kept) -> F,
    ) -> Result<T, OperateError>
    where
        F: FnOnce(&mut wasmill_engine::Engine, wasmill_model::Millis) -> T + Send + 'static,
    {
        if id.partition.0 >= self.partitions() {
            return Err(OperateError::NoTransaction);
        }
        let snapshots = self.shared.versioned.snapshots.clone();
        for _ in 0..TRIES {
            // Before the read: what ends meanwhile may have been missed.
            let version = snapshots.version(id.partition);
            let view = self.shared.versioned.view.clone();
            let read = spawn_blocking(move || read(&*view, id)).await;
            let act = act(read.map_err(|_| OperateError::Stopped)??);
            let snapshots = snapshots.clone();
            let done = self.operate(move |engine, now| {
                let fits = snapshots.version(id.partition) == version;
                fits.then(|| act(engine, now))
            });
            if let Some(done) = done.await? {
                return Ok(done);
            }
        }
        Err(OperateError::Busy)
    }
}

/// What the view has of a half message.
fn read(view: &dyn View, id: HalfId) -> Result<Kept, Error> {
    let abandoned = view.get(&id.abandoned_place())?;
    let decided = view.get(&halves::kept(id))?;
    let damaged = |cause| Error::new("read a half message", cause);
    Ok(Kept {
        abandoned: abandoned
            .map(|value| halves::read(&value))
            .transpose()
            .map_err(damaged)?,
        decided: decided
            .map(|value| claims::read(&value))
            .transpose()
            .map_err(damaged)?,
    })
}

/// The unsettled half messages that the engine told of, with those of the view.
fn merge(
    view: &dyn View,
    partition: PartitionId,
    after: Option<HalfId>,
    recent: Vec<(MessageId, Option<Arc<Half>>)>,
    limit: usize,
) -> Result<(Unsettled, bool), Error> {
    let behind = |id: MessageId| after.is_none_or(|after| id > after.message);
    let recent: BTreeMap<_, _> = recent.into_iter().filter(|(id, _)| behind(*id)).collect();
    let prefix = layout::all_abandoned(partition);
    let mut from = after.map_or_else(|| prefix.clone(), |after| after.abandoned_place());
    if after.is_some() {
        from.push(0);
    }
    let (mut found, mut bytes) = (BTreeMap::new(), 0);
    loop {
        let slice = view.scan(&prefix, &from, SCAN_COUNT)?;
        for (place, value) in &slice {
            from.clone_from(place);
            from.push(0);
            let half = halves::read(value);
            let half = half.map_err(|cause| Error::new("read a half message", cause))?;
            if !recent.contains_key(&half.id()) {
                bytes += half.footprint();
                found.insert(half.id(), Arc::new(half));
            }
        }
        if slice.len() < SCAN_COUNT {
            break;
        }
        if found.len() > limit || bytes > PIECE_BYTES {
            // Beyond, there may be others of the view: what is newer waits for the next page.
            let until = found.last_key_value().map(|(id, _)| *id);
            let newer = recent.into_iter().filter(|(id, _)| Some(*id) <= until);
            found.extend(newer.filter_map(|(id, half)| Some((id, half?))));
            return Ok((found, true));
        }
    }
    found.extend(
        recent
            .into_iter()
            .filter_map(|(id, half)| Some((id, half?))),
    );
    Ok((found, false))
}
