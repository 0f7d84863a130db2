//! A registry over a directory of its own, and runs for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;
use tracing::subscriber::DefaultGuard;
use wasmill_model::effects::{Effects, Failure, Outcome, Scope};
use wasmill_model::routes::{PluginSettings, Routes, Subscription, TopicPattern};
use wasmill_model::{Message, MessageId, Millis, Name};
use wasmill_port::plugins::{Installed, Rejected};
use wasmill_port::run::{Delivery, Run, RunContext};
use wasmill_port::scope::{Entries, ScopeState};
use wasmill_port::{Clock, Guests, Plugins, StateReader, store};
use wasmill_wasm::{Config, Registry};

/// What every clock of the tests shows.
pub(crate) const NOW: Millis = Millis(1_700_000_000_000);
/// The plugin of most tests.
pub(crate) const PLUGIN: &str = "plugin";

/// A registry, its data directory and its routes.
pub(crate) struct Bench {
    pub(crate) registry: Arc<Registry>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) data: Arc<TempDir>,
}

impl Bench {
    /// A registry whose only plugin has these settings.
    pub(crate) fn new(settings: PluginSettings) -> Self {
        let data = Arc::new(tempfile::tempdir().expect("a temporary directory"));
        Self::over(data, settings)
    }

    /// A registry over a data directory that may have been used before.
    pub(crate) fn over(data: Arc<TempDir>, settings: PluginSettings) -> Self {
        let routes = routes(settings);
        let config = Config::new(data.path().to_owned());
        let registry = Registry::new(config, Arc::new(StoppedClock), routes.clone());
        Self {
            registry: registry.expect("a registry"),
            routes,
            data,
        }
    }

    /// A registry with `guest` in service as [`PLUGIN`].
    pub(crate) async fn with(guest: &str, settings: PluginSettings) -> Self {
        let bench = Self::new(settings);
        bench.install(PLUGIN, guest).await.expect("the guest loads");
        bench
    }

    pub(crate) async fn install(&self, name: &str, guest: &str) -> Result<Installed, Rejected> {
        self.registry
            .install(
                &name.into(),
                wasmill_test_guests::bytes(guest).as_slice().into(),
            )
            .await
    }

    /// Why [`PLUGIN`] refuses these bytes.
    pub(crate) async fn refusal(&self, bytes: &[u8]) -> String {
        let refused = self.registry.install(&PLUGIN.into(), bytes.into()).await;
        refused.expect_err("the bytes are refused").to_string()
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Handles messages with these bodies in one run under one key.
    pub(crate) async fn run(&self, bodies: &[&str]) -> Vec<Outcome> {
        self.registry
            .handle(self.make_run(PLUGIN, bodies, Duration::MAX))
            .await
    }

    /// Handles one message.
    pub(crate) async fn handle(&self, body: &str) -> Outcome {
        let mut outcomes = self.run(&[body]).await;
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0)
    }

    pub(crate) fn make_run(&self, plugin: &str, bodies: &[&str], time_max: Duration) -> Run {
        let deliveries = bodies
            .iter()
            .enumerate()
            .map(|(index, body)| delivery(index, body));
        Run::new(
            self.context(),
            plugin.into(),
            deliveries.collect(),
            Arc::default(),
            time_max,
        )
    }

    /// Messages with these bodies under a key, whose ids count from `first`.
    pub(crate) fn keyed_run(&self, key: &str, first: u128, bodies: &[&str]) -> Run {
        self.deliver(key, first, 1, bodies)
    }

    /// Another attempt to handle a message.
    pub(crate) fn attempt(&self, key: &str, attempt: u32, body: &str) -> Run {
        self.deliver(key, 0, attempt, &[body])
    }

    fn deliver(&self, key: &str, first: u128, attempt: u32, bodies: &[&str]) -> Run {
        let deliveries = bodies.iter().enumerate().map(|(index, body)| {
            let plain = delivery(index, body);
            let message = Message {
                id: MessageId(first + index as u128),
                key: Some(key.into()),
                ..Message::clone(&plain.message)
            };
            Delivery {
                key: Some(key.into()),
                message: Arc::new(message),
                attempt,
                ..plain
            }
        });
        let deliveries = deliveries.collect();
        let (context, recent) = (self.context(), Arc::default());
        Run::new(context, PLUGIN.into(), deliveries, recent, Duration::MAX)
    }

    pub(crate) fn context(&self) -> RunContext {
        let reader = Arc::new(NoState);
        RunContext {
            routes: self.routes.clone(),
            reader,
            clock: Arc::new(StoppedClock),
            preparer: None,
        }
    }

    /// A key's durable state, as a query sees it.
    pub(crate) fn state(&self, entries: &[(&str, &str)]) -> ScopeState {
        let scope = Scope {
            plugin: PLUGIN.into(),
            key: "key".into(),
        };
        let entry = |(name, value): &(&str, &str)| {
            (
                Name::from(*name),
                Some(Bytes::copy_from_slice(value.as_bytes())),
            )
        };
        let recent: Entries = entries.iter().map(entry).collect();
        ScopeState::new(scope, Arc::new(recent), Arc::new(NoState))
    }
}

/// The effects of an outcome that must be good.
#[track_caller]
pub(crate) fn effects(outcome: Outcome) -> Effects {
    outcome
        .result
        .unwrap_or_else(|failure| panic!("{}", failure.cause))
}

/// The failure of an outcome that must be one.
#[track_caller]
pub(crate) fn failure(outcome: Outcome) -> Failure {
    outcome.result.expect_err("the call fails")
}

/// What the call wrote under `name`.
#[track_caller]
pub(crate) fn written(effects: &Effects, name: &str) -> String {
    let found = effects
        .writes
        .iter()
        .find(|(candidate, _)| candidate == name);
    let (_, value) = found.unwrap_or_else(|| panic!("`{name}` was not written"));
    String::from_utf8_lossy(value.as_ref().expect("it was not deleted")).into_owned()
}

pub(crate) fn delivery(index: usize, body: &str) -> Delivery {
    let message = Message {
        id: MessageId(index as u128),
        topic: "in".into(),
        key: Some("key".into()),
        tag: None,
        headers: Vec::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        produced_at: NOW,
        correlation: MessageId(index as u128),
        causation: None,
        timer: None,
    };
    Delivery {
        subscription: "in".into(),
        key: Some("key".into()),
        message: Arc::new(message),
        attempt: 1,
    }
}

/// Routes in which every plugin of the tests has `settings`.
pub(crate) fn routes(settings: PluginSettings) -> Arc<Routes> {
    let topics = ["in", "counted"].map(TopicPattern::new).to_vec();
    let subscriptions = vec![Subscription::new("in", "in", PLUGIN)];
    let settings = Arc::new(settings);
    let plugins = [PLUGIN, "fast", "slow"].map(|name| (Name::from(name), settings.clone()));
    let mut routes = Routes::new(topics, subscriptions);
    routes.plugins = BTreeMap::from(plugins);
    Arc::new(routes)
}

struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Millis {
        NOW
    }

    fn raise(&self, _floor: Millis) {}
}

struct NoState;

impl StateReader for NoState {
    fn get(&self, _scope: &Scope, _name: &str) -> Result<Option<Bytes>, store::Error> {
        Ok(None)
    }

    fn scan(
        &self,
        _scope: &Scope,
        _prefix: &str,
        _after: Option<&str>,
        _limit: usize,
    ) -> Result<Vec<(Name, Bytes)>, store::Error> {
        Ok(Vec::new())
    }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collects what is logged from now on, until the guard is dropped.
    pub(crate) fn collect(&self) -> DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).expect("the log is text")
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
