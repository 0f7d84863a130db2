//! Turns: one thing at a time is done to each plugin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;
use wasmill_model::Name;

/// A turn for each plugin. They are kept for good: they are for names of which there was something.
#[derive(Debug, Default)]
// A std mutex: it is not held across an await.
pub(super) struct Turns(pub(super) Mutex<HashMap<Name, Arc<tokio::sync::Mutex<()>>>>);

impl Turns {
    /// The right to do something to a plugin, until it is dropped.
    pub(super) async fn take(&self, plugin: &Name) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.entry(plugin.clone()).or_default().clone()
        };
        turn.lock_owned().await
    }
}
