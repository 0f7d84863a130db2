//! The example plugin, `loyalty`, alone: its component from a file, called without queues and log.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use tempfile::TempDir;
use wasmill_model::routes::{
    CallLimits, Isolation, PluginSettings, Routes, Subscription, TopicPattern,
};
use wasmill_model::{Message, MessageId, Millis, Name};
use wasmill_port::{Delivery, Guests, Plugins, Run, RunContext};
use wasmill_service::SystemClock;
use wasmill_wasm::{Config, IdleInstance, Registry};

use crate::floor::Empty;

const PLUGIN: &str = "loyalty";
const TOPIC: &str = "order.paid";
/// A user.
const KEY: &str = "u-1";

/// The plugin in service.
pub(crate) struct Plugin {
    registry: Arc<Registry>,
    routes: Arc<Routes>,
    /// The component's size.
    pub(crate) bytes: usize,
    /// What it took to compile and check it.
    pub(crate) compiled: Duration,
    next: u32,
    _data: TempDir,
}

impl Plugin {
    /// Brings the component into service. Its instances are never replaced because of their age.
    pub(crate) async fn load(component: &Path) -> Result<Self> {
        let data = tempfile::Builder::new().prefix("wasmill-bench").tempdir()?;
        let routes = routes(Isolation::Pooled);
        let config = Config {
            calls_per_instance_max: u32::MAX,
            ..Config::new(data.path().to_owned())
        };
        let registry = Registry::new(config, Arc::new(SystemClock::default()), routes.clone())?;
        let component = std::fs::read(component)
            .with_context(|| format!("{} cannot be read", component.display()))?;
        let begun = Instant::now();
        registry
            .install(&PLUGIN.into(), component.as_slice().into())
            .await?;
        Ok(Self {
            registry,
            routes,
            bytes: component.len(),
            compiled: begun.elapsed(),
            next: 0,
            _data: data,
        })
    }

    /// Whether instances are reused from now on.
    pub(crate) fn set_isolation(&mut self, isolation: Isolation) {
        self.routes = routes(isolation);
        self.registry.set_routes(self.routes.clone());
    }

    /// Handles one message for each size of a body, in one run; each is a new order. Returns the
    /// fuel that the dearest of them burnt.
    pub(crate) async fn handle(&mut self, body_bytes: &[usize]) -> Result<u64> {
        let deliveries = body_bytes.iter().map(|bytes| self.delivery(*bytes));
        let deliveries = deliveries.collect();
        let context = RunContext {
            routes: self.routes.clone(),
            reader: Arc::new(Empty),
            clock: Arc::new(SystemClock::default()),
            preparer: None,
        };
        let run = Run::new(
            context,
            PLUGIN.into(),
            deliveries,
            Arc::default(),
            Duration::MAX,
        );
        let (mut fuel_max, mut handled) = (0, self.next as usize - body_bytes.len());
        for outcome in self.registry.handle(run).await {
            handled += 1;
            fuel_max = fuel_max.max(outcome.call.map_or(0, |call| call.called.fuel));
            let effects = outcome
                .result
                .map_err(|failure| anyhow::anyhow!("message {handled}: {}", failure.cause))?;
            ensure!(!effects.writes.is_empty(), "an order was not counted");
        }
        Ok(fuel_max)
    }

    /// The instances that wait for their next call.
    pub(crate) fn idle_instances(&self) -> Vec<IdleInstance> {
        self.registry.idle_instances(&PLUGIN.into())
    }

    fn delivery(&mut self, body_bytes: usize) -> Delivery {
        self.next += 1;
        let id = MessageId(self.next.into());
        let message = Message {
            id,
            topic: TOPIC.into(),
            key: Some(KEY.into()),
            tag: None,
            headers: Vec::new(),
            body: order(self.next, body_bytes),
            produced_at: Millis(0),
            correlation: id,
            causation: None,
            timer: None,
        };
        Delivery {
            subscription: TOPIC.into(),
            key: Some(KEY.into()),
            message: Arc::new(message),
            attempt: 1,
        }
    }
}

/// The body of a paid order: 34 bytes, or a note makes it as long as is wanted.
fn order(number: u32, bytes: usize) -> Bytes {
    let (open, close) = (r#","note":""#, r#"""#);
    let mut body = format!(r#"{{"order_id":"{number:05x}","amount":4200"#);
    if let Some(room) = bytes.checked_sub(body.len() + open.len() + close.len() + 1) {
        body.extend([open, &"x".repeat(room), close]);
    }
    body.push('}');
    body.into()
}

/// Bounds are wide: what is looked for is not whether they are enough for the largest body.
fn routes(isolation: Isolation) -> Arc<Routes> {
    let topics = [TOPIC, "loyalty.tier", "loyalty.quiet"];
    let subscriptions = [TOPIC, "loyalty.quiet"];
    let settings = PluginSettings {
        isolation,
        limits: CallLimits {
            memory_bytes_max: 256 << 20,
            fuel_max: u64::MAX / 2,
            deadline: Duration::from_secs(60),
            ..CallLimits::default()
        },
        ..PluginSettings::default()
    };
    let mut routes = Routes::new(
        topics.map(TopicPattern::new).to_vec(),
        subscriptions
            .map(|it| Subscription::new(it, it, PLUGIN))
            .to_vec(),
    );
    routes.plugins = BTreeMap::from([(Name::from(PLUGIN), Arc::new(settings))]);
    Arc::new(routes)
}
