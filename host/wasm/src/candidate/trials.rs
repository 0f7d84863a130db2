//! The trials of all plugins: those under way, which every run looks at, and the last ones, of which
//! is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use wasmill_model::Name;

use super::Candidate;
use crate::pool::Serving;

type ByPlugin = HashMap<Name, Arc<Candidate>>;

/// The trials of all plugins: one of each at a time.
#[derive(Default)]
pub(crate) struct Trials {
    /// Read by every run without a lock, and mostly empty.
    under_way: ArcSwap<ByPlugin>,
    // Never taken for a message.
    last: Mutex<ByPlugin>,
}

impl Trials {
    /// The candidate that may handle messages of what serves, if there is one.
    pub(crate) fn beside(&self, running: &Serving) -> Option<Arc<Candidate>> {
        let under_way = self.under_way.load();
        let candidate = under_way.get(&running.version.plugin);
        candidate.filter(|it| it.is_beside(running)).cloned()
    }

    /// The version of `plugin` on trial, or the last one that was.
    pub(crate) fn last(&self, plugin: &str) -> Option<Arc<Candidate>> {
        self.all().get(plugin).cloned()
    }

    /// Those under way.
    pub(crate) fn under_way(&self) -> Arc<ByPlugin> {
        self.under_way.load_full()
    }

    /// A trial begins. It leaves those under way by itself when it is over.
    pub(crate) fn begin(&self, candidate: Candidate) {
        let candidate = Arc::new(candidate);
        let plugin = &candidate.plugin;
        // Before others can find it, and end it.
        self.change(|under_way| {
            under_way.insert(plugin.clone(), candidate.clone());
        });
        self.all().insert(plugin.clone(), candidate.clone());
    }

    /// A trial is over.
    pub(super) fn end(&self, candidate: &Candidate) {
        self.change(|under_way| {
            let is_it = |it: &Arc<Candidate>| std::ptr::eq(&**it, candidate);
            if under_way.get(&candidate.plugin).is_some_and(is_it) {
                under_way.remove(&candidate.plugin);
            }
        });
    }

    fn change(&self, change: impl Fn(&mut ByPlugin)) {
        self.under_way.rcu(|under_way| {
            let mut next = ByPlugin::clone(under_way);
            change(&mut next);
            next
        });
    }

    fn all(&self) -> MutexGuard<'_, ByPlugin> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
