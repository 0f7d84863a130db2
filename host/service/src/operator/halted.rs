//! Halted keys: listed, and set going again.

use wasmill_engine::{Halted, Resume};
use wasmill_model::Name;
use wasmill_port::Guests;

use super::{BEHIND_PAUSE, OperateError, PIECE_BYTES};
use crate::command::SubscriptionStatus;
use crate::handle::Handle;

/// Keys that are set going in one piece.
const PIECE_COUNT: usize = 256;

impl<G: Guests> Handle<G> {
    /// The state of every subscription.
    ///
    /// # Errors
    /// [`OperateError::Stopped`].
    pub async fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>, OperateError> {
        let status = self.operate(|engine, _| SubscriptionStatus::all(engine));
        Ok(status.await?)
    }

    /// The keys that are halted, in one subscription or in all, at most `limit`.
    ///
    /// # Errors
    /// [`OperateError::Stopped`].
    pub async fn halted(
        &self,
        subscription: Option<&Name>,
        limit: usize,
    ) -> Result<Vec<Halted>, OperateError> {
        let subscription = subscription.cloned();
        let halted = self.operate(move |engine, _| {
            let halted = engine.halted(subscription.as_ref());
            halted.take(limit).collect()
        });
        Ok(halted.await?)
    }

    /// Sets a subscription's halted keys that there are now going again, one or all; returns how
    /// many, once that is durable.
    ///
    /// # Errors
    /// [`OperateError::Stopped`]; what went on until then does.
    pub async fn resume(
        &self,
        subscription: &Name,
        key: Option<&Name>,
        how: Resume,
    ) -> Result<u64, OperateError> {
        let (subscription, key) = (subscription.clone(), key.cloned());
        let named = self.operate(move |engine, _| engine.halted_keys(&subscription, key.as_ref()));
        let mut named = named.await?;
        let mut count = 0;
        while !named.is_empty() {
            let mut piece = named.split_off(named.len().saturating_sub(PIECE_COUNT));
            let (resumed, rest) = self
                .operate(move |engine, now| {
                    let (mut resumed, mut bytes) = (0, 0);
                    while !engine.is_behind()
                        && bytes < PIECE_BYTES
                        && let Some(halted) = piece.pop()
                    {
                        let committed = engine.resume(&halted, how, now);
                        resumed += u64::from(committed.is_some());
                        bytes += committed.unwrap_or(0);
                    }
                    (resumed, piece)
                })
                .await?;
            if resumed == 0 && !rest.is_empty() {
                tokio::time::sleep(BEHIND_PAUSE).await;
            }
            count += resumed;
            named.extend(rest);
        }
        Ok(count)
    }
}
