//! Timers and delayed messages: shown, and taken back.

use std::time::Duration;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use wasmill_engine::{DelayedId, Recalled, layout};
use wasmill_model::effects::{Delayed, Scope};
use wasmill_model::{MessageId, Name, reserved};
use wasmill_port::store::Error;
use wasmill_port::{Guests, ScopeState};

use super::dead_letters::Done;
use super::{OperateError, TRIES};
use crate::handle::Handle;

/// How long to wait for a handler of the scope to end before the caller is told to come again.
const RUNNING_TIME_MAX: Duration = Duration::from_secs(10);
/// How often to look whether it has.
const RUNNING_PAUSE: Duration = Duration::from_millis(5);

impl<G: Guests> Handle<G> {
    /// Takes a delayed message from outside back; returns once that is durable.
    ///
    /// # Errors
    /// [`OperateError`]; nothing has changed.
    pub async fn recall(&self, id: DelayedId) -> Result<Recalled, OperateError> {
        if id.partition.0 >= self.partitions() {
            return Ok(Recalled::Gone);
        }
        let deadline = Instant::now() + RUNNING_TIME_MAX;
        let mut tries = 0;
        while tries < TRIES && Instant::now() < deadline {
            let version = self.shared.versioned.snapshots.version(id.partition);
            let view = self.shared.versioned.view.clone();
            let stored = move || view.get(&layout::timer(id.partition, id.timer));
            let stored = spawn_blocking(stored).await;
            let stored = stored.map_err(|_| OperateError::Stopped)??;
            let stored = stored.map(|value| decode(&value)).transpose()?;
            let recall = self.operate_at(version, id.partition, move |engine, now| {
                engine.recall(id, stored, now)
            });
            match recall.await? {
                Done::As(Recalled::Running) => tokio::time::sleep(RUNNING_PAUSE).await,
                Done::As(Recalled::Changed) | Done::Stale => tries += 1,
                Done::As(done) => return Ok(done),
                Done::Behind => break,
            }
        }
        Err(OperateError::Busy)
    }

    /// Takes back a delayed message that a handler of this scope sent.
    ///
    /// # Errors
    /// [`OperateError`]; nothing has changed.
    pub async fn recall_sent(
        &self,
        scope: &Scope,
        message: MessageId,
    ) -> Result<Recalled, OperateError> {
        self.recall_entry(scope, reserved::recallable(message))
            .await
    }

    /// Cancels a timer of this scope.
    ///
    /// # Errors
    /// [`OperateError`]; nothing has changed.
    pub async fn cancel_timer(&self, scope: &Scope, name: &str) -> Result<Recalled, OperateError> {
        self.recall_entry(scope, reserved::timer(name)).await
    }

    /// A pending timer of this scope.
    ///
    /// # Errors
    /// [`OperateError`] if it could not be read.
    pub async fn timer(&self, scope: &Scope, name: &str) -> Result<Option<Delayed>, OperateError> {
        let entry = reserved::timer(name);
        let (_, value) = self
            .read_state(scope, move |state| state.get(&entry))
            .await?;
        Ok(value.map(|value| decode(&value)).transpose()?)
    }

    /// The pending timers of this scope in the order of their names, after one if given; at most
    /// `limit`.
    ///
    /// # Errors
    /// [`OperateError`] if they could not be read.
    pub async fn timers(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Delayed>, OperateError> {
        let (prefix, after) = (reserved::timer(""), after.map(reserved::timer));
        let read = move |state: &ScopeState| state.scan(&prefix, after.as_deref(), limit);
        let (_, entries) = self.read_state(scope, read).await?;
        let timers = entries.iter().map(|(_, value)| decode(value));
        Ok(timers.collect::<Result<_, _>>()?)
    }

    async fn recall_entry(&self, scope: &Scope, entry: Name) -> Result<Recalled, OperateError> {
        let partition = self.shared.versioned.snapshots.partitioner().of(&scope.key);
        let deadline = Instant::now() + RUNNING_TIME_MAX;
        let mut tries = 0;
        while tries < TRIES && Instant::now() < deadline {
            let of = entry.clone();
            let (version, value) = self.read_state(scope, move |state| state.get(&of)).await?;
            let Some(value) = value else {
                return Ok(Recalled::Gone);
            };
            let (delayed, entry) = (decode(&value)?, entry.clone());
            let recall = self.operate_at(version, partition, move |engine, now| {
                engine.recall_entry(&entry, &value, delayed, now)
            });
            match recall.await? {
                Done::As(Recalled::Running) => tokio::time::sleep(RUNNING_PAUSE).await,
                Done::As(Recalled::Changed) | Done::Stale => tries += 1,
                Done::As(done) => return Ok(done),
                Done::Behind => break,
            }
        }
        Err(OperateError::Busy)
    }

    /// Reads a scope's state as of one version of its partition.
    async fn read_state<T: Send + 'static>(
        &self,
        scope: &Scope,
        read: impl Fn(&ScopeState) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<(u64, T), OperateError> {
        let snapshots = &self.shared.versioned.snapshots;
        let partition = snapshots.partitioner().of(&scope.key);
        for _ in 0..TRIES {
            let version = snapshots.version(partition);
            let of = scope.clone();
            let recent = self.operate(move |engine, _| engine.recent(&of)).await?;
            let state = ScopeState::new(scope.clone(), recent, self.shared.reader.clone());
            let read = read.clone();
            let value = spawn_blocking(move || read(&state)).await;
            let value = value.map_err(|_| OperateError::Stopped)??;
            if snapshots.version(partition) == version {
                return Ok((version, value));
            }
        }
        Err(OperateError::Busy)
    }
}

fn decode(value: &Bytes) -> Result<Delayed, Error> {
    postcard::from_bytes(value).map_err(|cause| Error::new("read a delayed message", cause))
}
