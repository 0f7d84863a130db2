//! What watching the plugins directory counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use wasmill_model::Name;

/// Counters of plugin files; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    loads: Family<Load, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Load {
    plugin: String,
    outcome: &'static str,
}

impl Metrics {
    /// Registers the counters with `registry`.
    #[must_use]
    pub fn new(registry: &mut Registry) -> Self {
        let loads = Family::default();
        let help = "Plugin files that were installed, held, restored, refused or removed, or wait to be kept";
        registry.register("plugin_loads", help, loads.clone());
        Self { loads }
    }

    pub(super) fn count(&self, plugin: &Name, outcome: &'static str) {
        let load = Load {
            plugin: plugin.to_string(),
            outcome,
        };
        self.loads.get_or_create(&load).inc();
    }

    #[cfg(test)]
    pub(super) fn counted(&self, plugin: &str, outcome: &'static str) -> u64 {
        self.loads
            .get_or_create(&Load {
                plugin: plugin.to_owned(),
                outcome,
            })
            .get()
    }
}
