//! What a plugin may have at once of what all share, whichever of its versions takes it: the one that
//! serves, one on trial, or one that was chosen for a message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;
use wasmill_model::Name;
use wasmill_model::routes::PluginSettings;

/// How many of the calls that are kept back one plugin may have.
const CALLS_MAX: usize = 64;
/// Look-ups of names of one plugin at once.
const LOOKUPS_MAX: usize = 8;

/// What one plugin may have at once under its settings.
#[derive(Debug)]
pub(crate) struct Own {
    bounds: Bounds,
    /// The plugin's `concurrency`.
    pub(crate) handlers: Semaphore,
    /// Requests by HTTP.
    pub(crate) requests: Arc<Semaphore>,
    /// Calls of those that are kept back.
    pub(crate) calls: Arc<Semaphore>,
    /// Look-ups of names.
    pub(crate) lookups: Arc<Semaphore>,
}

/// The bounds that settings have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    handlers: usize,
    requests: usize,
}

impl Own {
    /// What a plugin has; `before` it had something under other bounds.
    fn new(bounds: Bounds, before: Option<&Self>) -> Self {
        let of = |max| Arc::new(Semaphore::new(max));
        Self {
            bounds,
            handlers: Semaphore::new(bounds.handlers),
            requests: of(bounds.requests),
            calls: before.map_or_else(|| of(CALLS_MAX), |it| it.calls.clone()),
            lookups: before.map_or_else(|| of(LOOKUPS_MAX), |it| it.lookups.clone()),
        }
    }
}

/// What all plugins have that anything is called of.
#[derive(Debug, Default)]
pub(crate) struct Owns {
    // Taken when a version or its settings come into force, never by a call. Several of a plugin only
    // while calls end under settings of before.
    plugins: Mutex<HashMap<Name, Vec<Weak<Own>>>>,
}

impl Owns {
    /// What a plugin has under these settings: the same for all of its versions.
    pub(crate) fn of(&self, plugin: &Name, settings: &PluginSettings) -> Arc<Own> {
        let bounds = Bounds {
            handlers: settings.concurrency,
            requests: settings.grants.http_limits.concurrency,
        };
        let mut plugins = self.plugins.lock().unwrap_or_else(PoisonError::into_inner);
        plugins.retain(|_, owns| {
            owns.retain(|own| own.strong_count() > 0);
            !owns.is_empty()
        });
        let owns = plugins.entry(plugin.clone()).or_default();
        let known: Vec<_> = owns.iter().filter_map(Weak::upgrade).collect();
        if let Some(same) = known.iter().find(|own| own.bounds == bounds) {
            return same.clone();
        }
        let own = Arc::new(Own::new(bounds, known.last().map(|own| &**own)));
        owns.push(Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_versions_of_a_plugin_have_the_same_and_other_settings_change_their_bounds_only() {
        let (owns, plugin) = (Owns::default(), Name::from("p"));
        let narrow = PluginSettings {
            concurrency: 1,
            ..PluginSettings::default()
        };
        let running = owns.of(&plugin, &narrow);
        assert!(Arc::ptr_eq(&running, &owns.of(&plugin, &narrow)));
        let other = owns.of(&"q".into(), &narrow);
        assert!(!Arc::ptr_eq(&running.lookups, &other.lookups));

        let wide = owns.of(&plugin, &PluginSettings::default());
        assert_eq!(running.handlers.available_permits(), 1);
        assert!(wide.handlers.available_permits() > 1);
        assert!(Arc::ptr_eq(&running.lookups, &wide.lookups));
        assert!(Arc::ptr_eq(&running.calls, &wide.calls));
        // Who still has the settings of before takes part in those.
        assert!(Arc::ptr_eq(&running, &owns.of(&plugin, &narrow)));

        drop((running, wide, other));
        owns.of(&"r".into(), &narrow);
        assert_eq!(
            owns.plugins.lock().unwrap().len(),
            1,
            "others are forgotten"
        );
    }
}
