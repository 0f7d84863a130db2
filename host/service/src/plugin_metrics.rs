//! What plugins used, by version, as metrics: read from their accounts when somebody asks.

use std::fmt::{Error, Write};
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeLabelSet, EncodeLabelValue, LabelValueEncoder,
    MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};
use wasmill_model::Name;
use wasmill_model::record::CodeVersion;
use wasmill_port::{Account, Accounts};

/// The metrics of plugins; there are none until [`PluginMetrics::tell`]. Clones share them.
#[derive(Clone)]
pub struct PluginMetrics(Arc<OnceLock<Arc<dyn Accounts>>>);

#[derive(Clone, Debug, EncodeLabelSet)]
struct OfVersion {
    plugin: Label<Name>,
    version: Label<CodeVersion>,
}

#[derive(Clone, Debug, EncodeLabelSet)]
struct CallsOf {
    plugin: Label<Name>,
    version: Label<CodeVersion>,
    export: &'static str,
    outcome: &'static str,
}

/// Written as it is shown.
#[derive(Clone, Debug)]
struct Label<T>(T);

impl<T: std::fmt::Display> EncodeLabelValue for Label<T> {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), Error> {
        write!(encoder, "{}", self.0)
    }
}

impl PluginMetrics {
    /// Registers the metrics with `registry`.
    #[must_use]
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self(Arc::default());
        registry.register_collector(Box::new(metrics.clone()));
        metrics
    }

    /// Tells of these accounts from now on; the first ones that are given stay.
    pub fn tell(&self, accounts: Arc<dyn Accounts>) {
        // Whoever came first is told of already.
        let _ = self.0.set(accounts);
    }
}

impl std::fmt::Debug for PluginMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginMetrics").finish_non_exhaustive()
    }
}

impl Collector for PluginMetrics {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        match self.0.get() {
            Some(accounts) => Told(accounts.accounts()).encode(encoder),
            None => Ok(()),
        }
    }
}

/// Accounts that are told.
struct Told(Vec<Account>);

impl Told {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let to = &mut encoder;
        self.calls(to)?;
        self.counter(to, "plugin_fuel", "Fuel burnt", None, |it| it.fuel)?;
        let help = "Time in calls, waiting for outgoing HTTP included";
        let busy = |it: &Account| it.busy.as_secs_f64();
        self.counter(to, "plugin_busy", help, Some(&Unit::Seconds), busy)?;
        let help = "Calls of the contract's functions";
        self.counter(to, "plugin_host_calls", help, None, |it| it.host_calls)?;
        let help = "Bytes of the bodies of messages that the handler was called with";
        self.counter(to, "plugin_in", help, Some(&Unit::Bytes), |it| it.bytes_in)?;
        let help = "Bytes that the handler sent and wrote";
        self.counter(to, "plugin_out", help, Some(&Unit::Bytes), |it| {
            it.bytes_out
        })?;
        self.memory(to)?;
        self.times(to)
    }

    fn calls(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Calls of plugins, by the export that was called and how it ended";
        let mut metric = to.encode_descriptor("plugin_calls", help, None, MetricType::Counter)?;
        for account in &self.0 {
            for calls in &account.calls {
                let of = CallsOf {
                    plugin: Label(account.plugin.clone()),
                    version: Label(account.version),
                    export: calls.export,
                    outcome: calls.outcome,
                };
                let mut one = metric.encode_family(&of)?;
                one.encode_counter::<NoLabelSet, _, u64>(&calls.count, None)?;
            }
        }
        Ok(())
    }

    fn counter<V: EncodeCounterValue>(
        &self,
        to: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        value: impl Fn(&Account) -> V,
    ) -> Result<(), Error> {
        let metric = to.encode_descriptor(name, help, unit, MetricType::Counter)?;
        self.each(metric, |one, account| {
            one.encode_counter::<NoLabelSet, _, u64>(&value(account), None)
        })
    }

    fn memory(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "The most memory that an instance held";
        let unit = Some(&Unit::Bytes);
        let metric = to.encode_descriptor("plugin_memory_max", help, unit, MetricType::Gauge)?;
        self.each(metric, |one, account| {
            let bytes = account.memory_bytes_max;
            one.encode_gauge(&i64::try_from(bytes).unwrap_or(i64::MAX))
        })
    }

    fn times(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Time of a call of the handler";
        let unit = Some(&Unit::Seconds);
        let kind = MetricType::Histogram;
        let metric = to.encode_descriptor("plugin_handler", help, unit, kind)?;
        self.each(metric, |one, account| {
            let buckets = &account.handler_seconds;
            let count = buckets.iter().map(|(_, count)| count).sum();
            let sum = account.handler_busy.as_secs_f64();
            one.encode_histogram::<NoLabelSet>(sum, count, buckets, None)
        })
    }

    fn each(
        &self,
        mut metric: MetricEncoder<'_>,
        mut tell: impl FnMut(&mut MetricEncoder<'_>, &Account) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for account in &self.0 {
            let of = OfVersion {
                plugin: Label(account.plugin.clone()),
                version: Label(account.version),
            };
            tell(&mut metric.encode_family(&of)?, account)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::encoding::text::encode;
    use wasmill_port::account::Calls;

    use super::*;

    struct One;

    impl Accounts for One {
        fn accounts(&self) -> Vec<Account> {
            vec![Account {
                plugin: "p".into(),
                version: CodeVersion::of_hash("0123456789abcdef"),
                calls: vec![Calls {
                    export: "handler",
                    outcome: "ok",
                    count: 2,
                }],
                fuel: 70,
                busy: Duration::from_millis(30),
                memory_bytes_max: 4096,
                host_calls: 5,
                bytes_in: 6,
                bytes_out: 7,
                handler_seconds: vec![(0.5, 2), (f64::MAX, 0)],
                handler_busy: Duration::from_millis(20),
            }]
        }
    }

    #[test]
    fn accounts_are_told_by_plugin_and_version() {
        let mut registry = Registry::with_prefix("wasmill");
        let metrics = PluginMetrics::new(&mut registry);
        let text = |registry: &Registry| {
            let mut text = String::new();
            encode(&mut text, registry).expect("it is written to memory");
            text
        };
        assert_eq!(text(&registry), "# EOF\n", "nothing is told yet");
        metrics.tell(Arc::new(One));
        let told = text(&registry);
        let of = r#"plugin="p",version="0123456789ab""#;
        for line in [
            format!(r#"wasmill_plugin_calls_total{{{of},export="handler",outcome="ok"}} 2"#),
            format!("wasmill_plugin_fuel_total{{{of}}} 70"),
            format!("wasmill_plugin_busy_seconds_total{{{of}}} 0.03"),
            format!("wasmill_plugin_host_calls_total{{{of}}} 5"),
            format!("wasmill_plugin_in_bytes_total{{{of}}} 6"),
            format!("wasmill_plugin_out_bytes_total{{{of}}} 7"),
            format!("wasmill_plugin_memory_max_bytes{{{of}}} 4096"),
            format!("wasmill_plugin_handler_seconds_sum{{{of}}} 0.02"),
            format!(r#"wasmill_plugin_handler_seconds_bucket{{le="0.5",{of}}} 2"#),
        ] {
            assert!(told.lines().any(|it| it == line), "{line} in:\n{told}");
        }
    }
}
