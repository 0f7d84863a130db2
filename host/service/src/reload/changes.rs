//! Notifications that a directory has changed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Most files that are remembered as moved between two looks.
const MOVED_MAX: usize = 1_024;

/// Tells when something in a directory has changed. Notifications are hints: whoever waits looks
/// for itself what there is.
#[derive(Debug)]
pub struct Changes {
    seen: Arc<Seen>,
    /// None if the system does not notify; then only time wakes.
    _watcher: Option<RecommendedWatcher>,
}

#[derive(Debug, Default)]
struct Seen {
    wake: Notify,
    // Not a tokio mutex: nobody waits while holding it.
    moved: Mutex<HashSet<PathBuf>>,
}

impl Changes {
    /// Watches the entries of `directory`.
    #[must_use]
    pub fn watch(directory: &Path) -> Self {
        let seen = Arc::new(Seen::default());
        let watcher = watcher(directory, seen.clone());
        if let Err(error) = &watcher {
            let directory = directory.display();
            tracing::warn!(%directory, %error, "no notifications of changes; looking now and then");
        }
        Self {
            seen,
            _watcher: watcher.ok(),
        }
    }

    /// Waits for a change, or until `time_max` has passed.
    pub async fn wait(&self, time_max: Duration) {
        // Passing the time is not a failure here: it is the poll.
        let _ = tokio::time::timeout(time_max, self.seen.wake.notified()).await;
    }

    /// Files that were moved to their place since this was last asked: they are whole.
    #[must_use]
    pub fn take_moved(&self) -> HashSet<PathBuf> {
        std::mem::take(
            &mut *self
                .seen
                .moved
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

fn watcher(directory: &Path, seen: Arc<Seen>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // An error may have lost events, so it is a reason to look as well.
        if event.is_ok_and(|event| !seen.matters(&event)) {
            return;
        }
        seen.wake.notify_one();
    })?;
    watcher.watch(directory, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

impl Seen {
    /// Whether an event is one of change. Reading is none: our own looks would wake us.
    fn matters(&self, event: &Event) -> bool {
        let moved = match event.kind {
            EventKind::Modify(ModifyKind::Name(RenameMode::To)) => event.paths.first(),
            EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => event.paths.get(1),
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => None,
            EventKind::Access(_) => return false,
            _ => None,
        };
        if let Some(path) = moved {
            let mut known = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() < MOVED_MAX {
                known.insert(path.clone());
            }
        }
        true
    }
}
