//! Instances of one version that wait for their next call.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedSemaphorePermit;

use crate::instance::Instance;
use crate::registry::IdleInstance;

/// Instances of one plugin that are kept for reuse.
const COUNT_MAX: usize = 64;

/// Instances that wait for their next call.
pub(super) struct Idle {
    // Held only to push or pop. None once the version has been replaced.
    waiting: Mutex<Option<Vec<Waiting>>>,
}

struct Waiting {
    instance: Instance,
    _room: OwnedSemaphorePermit,
}

impl Default for Idle {
    fn default() -> Self {
        Self {
            waiting: Mutex::new(Some(Vec::new())),
        }
    }
}

impl Idle {
    /// Keeps an instance, if there is room.
    pub(super) fn push(&self, instance: Instance, room: OwnedSemaphorePermit) {
        let mut waiting = self.waiting();
        if let Some(waiting) = &mut *waiting
            && waiting.len() < COUNT_MAX
        {
            waiting.push(Waiting {
                instance,
                _room: room,
            });
        }
    }

    pub(super) fn pop(&self) -> Option<Instance> {
        let waiting = self.waiting().as_mut()?.pop()?;
        Some(waiting.instance)
    }

    /// Drops them, and those that come.
    pub(super) fn end(&self) {
        let waiting = self.waiting().take();
        drop(waiting);
    }

    /// What is known of them.
    pub(super) fn describe(&self) -> Vec<IdleInstance> {
        let describe = |Waiting { instance, .. }: &Waiting| IdleInstance {
            calls: instance.calls(),
            memory_bytes: instance.memory_bytes(),
        };
        let waiting = self.waiting();
        waiting.iter().flatten().map(describe).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Vec<Waiting>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
