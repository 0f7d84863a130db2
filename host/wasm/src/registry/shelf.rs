//! The few things that were wanted last, by plugin and content hash.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmill_model::Name;

/// Things of versions, at most so many: the one that nobody wanted for longest goes.
pub(super) struct Shelf<T> {
    count_max: usize,
    /// The one that was wanted last is last. Never held across an await.
    all: Mutex<VecDeque<Placed<T>>>,
}

struct Placed<T> {
    plugin: Name,
    hash: String,
    it: Arc<T>,
}

impl<T: Default> Shelf<T> {
    pub(super) fn new(count_max: usize) -> Self {
        Self {
            count_max,
            all: Mutex::default(),
        }
    }

    /// That of a version, which is a new one if none is here.
    pub(super) fn of(&self, plugin: &Name, hash: &str) -> Arc<T> {
        let mut all = self.all();
        let is_it = |it: &Placed<T>| it.plugin == *plugin && it.hash == hash;
        let found = all.iter().position(is_it);
        let found = found.and_then(|place| all.remove(place));
        let placed = found.unwrap_or_else(|| Placed {
            plugin: plugin.clone(),
            hash: hash.to_owned(),
            it: Arc::default(),
        });
        let it = placed.it.clone();
        all.push_back(placed);
        if all.len() > self.count_max {
            all.pop_front();
        }
        it
    }

    /// All that are here.
    pub(super) fn all_of_them(&self) -> Vec<Arc<T>> {
        self.all().iter().map(|placed| placed.it.clone()).collect()
    }

    /// Drops those of a plugin.
    pub(super) fn forget(&self, plugin: &Name) {
        self.all().retain(|it| it.plugin != *plugin);
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Placed<T>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;

    /// How often each was wanted while it was here, this time included.
    fn wanted(shelf: &Shelf<AtomicU32>, plugin: &str, hash: &str) -> u32 {
        shelf.of(&plugin.into(), hash).fetch_add(1, Relaxed) + 1
    }

    #[test]
    fn what_nobody_wanted_for_longest_goes() {
        let shelf = Shelf::new(2);
        assert_eq!(wanted(&shelf, "p", "1"), 1);
        assert_eq!(wanted(&shelf, "p", "2"), 1);
        assert_eq!(wanted(&shelf, "p", "1"), 2);
        assert_eq!(wanted(&shelf, "q", "1"), 1, "that of another plugin");
        assert_eq!(wanted(&shelf, "p", "1"), 3, "it was wanted since");
        assert_eq!(wanted(&shelf, "p", "2"), 1, "it was gone");
        assert_eq!(shelf.all_of_them().len(), 2);
    }

    #[test]
    fn what_a_plugin_had_goes_with_it() {
        let shelf = Shelf::new(4);
        for plugin in ["p", "q"] {
            wanted(&shelf, plugin, "1");
        }
        shelf.forget(&"p".into());
        assert_eq!(wanted(&shelf, "p", "1"), 1);
        assert_eq!(wanted(&shelf, "q", "1"), 2);
    }
}
