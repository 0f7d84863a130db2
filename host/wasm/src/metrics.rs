//! What the plugins' host counts, for Prometheus.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// Counters of the plugins' host; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    http_refused: Family<HttpRefused, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HttpRefused {
    plugin: String,
    cause: &'static str,
}

impl Metrics {
    /// Registers the counters with `registry`.
    #[must_use]
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "plugin_http_refused",
            "Outgoing requests of plugins that their grants forbid, by cause",
            metrics.http_refused.clone(),
        );
        metrics
    }

    pub(crate) fn http_refused(&self, plugin: &str, cause: &'static str) {
        let labels = HttpRefused {
            plugin: plugin.to_owned(),
            cause,
        };
        self.http_refused.get_or_create(&labels).inc();
    }
}
