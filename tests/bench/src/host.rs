//! A host without HTTP: store, guests and services over a directory of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use prometheus_client::registry::Registry as MetricsRegistry;
use tempfile::TempDir;
use wasmill_model::routes::{Routes, Subscription, TopicPattern};
use wasmill_model::{Decision, Half, Name, When};
use wasmill_port::check_back::Asking;
use wasmill_port::{CheckBack, Clock, Plugins};
use wasmill_service::{
    AcceptError, Config, HalfId, Handle, Incoming, Metrics, OperateError, Parts, Receipt, Settled,
    Stopper, SystemClock,
};
use wasmill_store::{DataDir, Options, Settings, Sled};
use wasmill_wasm::Registry;

/// The plugin that is measured: a state read, a state write and one send for each message.
pub(crate) const PLUGIN: &str = "counter";

/// What a client does that outruns the disk.
const PAUSE: Duration = Duration::from_millis(5);

/// The plugin that makes dead letters, and its topic and subscription.
pub(crate) const REFUSED: &str = "refuse";

/// One subscription of the plugin to topic `in`; its messages go to topic `counted`.
pub(crate) fn routes() -> Routes {
    let topics = ["in", "counted", REFUSED].map(TopicPattern::new).to_vec();
    let subscriptions = vec![
        Subscription::new("counter", "in", PLUGIN),
        Subscription::new(REFUSED, REFUSED, REFUSED),
    ];
    Routes::new(topics, subscriptions)
}

/// The plugins, with the one that is measured in service.
pub(crate) async fn guests(data: &Path) -> Result<Arc<Registry>> {
    let config = wasmill_wasm::Config {
        data: data.to_owned(),
        metrics: wasmill_wasm::Metrics::default(),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let registry = Registry::new(config, clock, Arc::new(routes()))?;
    for name in [PLUGIN, REFUSED] {
        let component = wasmill_test_guests::bytes(name);
        registry.install(&name.into(), &component).await?;
    }
    Ok(registry)
}

/// A running host.
pub(crate) struct Host {
    pub(crate) handle: Handle<Registry>,
    stopper: Stopper,
    /// Its files, if they go with it.
    directory: Option<TempDir>,
}

impl Host {
    /// Starts on an empty directory; the plugin serves if `serving`.
    pub(crate) async fn start(serving: bool) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("wasmill-bench").tempdir()?;
        let mut host = Self::open(directory.path(), serving).await?;
        host.directory = Some(directory);
        Ok(host)
    }

    /// Starts on a directory; the plugin serves if `serving`.
    pub(crate) async fn open(path: &Path, serving: bool) -> Result<Self> {
        let dir = DataDir::open(path, Settings::default())?;
        let (log, view) = Sled::open(&dir, &Options::default())?;
        let guests = guests(path).await?;
        let parts = Parts {
            check_back: Arc::new(Nobody),
            log,
            view,
            guests,
            clock: Arc::new(SystemClock::default()),
            routes: routes(),
            metrics: Metrics::new(&mut MetricsRegistry::default()),
            runtime: tokio::runtime::Handle::current(),
        };
        let (handle, stopper) = wasmill_service::start(Config::default(), parts)?;
        for name in [PLUGIN, REFUSED] {
            handle.set_serving(&name.into(), serving).await;
        }
        Ok(Self {
            handle,
            stopper,
            directory: None,
        })
    }

    /// Takes in `count` messages over `keys` keys, with `clients` at once; returns when all of
    /// them are durable.
    pub(crate) async fn feed(&self, count: u64, keys: u64, clients: u64) -> Result<()> {
        let body = Bytes::from_static(&[b'x'; 100]);
        let keyed = move |nth| message(format!("key-{}", nth % keys).into(), body.clone());
        self.feed_with(count, clients, keyed).await
    }

    /// Takes in `count` messages, made by their numbers, with `clients` at once.
    pub(crate) async fn feed_with(
        &self,
        count: u64,
        clients: u64,
        make: impl Fn(u64) -> Incoming + Clone + Send + 'static,
    ) -> Result<()> {
        let work = move |client: Client, nth| {
            let message = make(nth);
            async move { client.send(message).await.map(drop) }
        };
        self.each(count, clients, work).await
    }

    /// Does `work` for each number below `count`, with `clients` at once.
    pub(crate) async fn each<F: Future<Output = Result<()>> + Send>(
        &self,
        count: u64,
        clients: u64,
        work: impl Fn(Client, u64) -> F + Clone + Send + 'static,
    ) -> Result<()> {
        let tasks: Vec<_> = (0..clients)
            .map(|client| {
                let (handle, work) = (self.handle.clone(), work.clone());
                tokio::spawn(async move {
                    for nth in (client..count).step_by(clients as usize) {
                        work(Client(handle.clone()), nth).await?;
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        for task in tasks {
            task.await.context("a client")??;
        }
        Ok(())
    }

    /// Messages that are not handled yet.
    pub(crate) async fn pending(&self) -> Result<u64> {
        let subscriptions = self.handle.subscriptions().await?;
        Ok(subscriptions.iter().map(|sub| sub.pending).sum())
    }

    /// Stops the host.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stopper.stop().await;
        match self.directory {
            Some(directory) => Ok(directory.close()?),
            None => Ok(()),
        }
    }
}

/// A producer of messages.
pub(crate) struct Client(Handle<Registry>);

impl Client {
    /// Sends a message, again and again if the host is busy.
    pub(crate) async fn send(&self, message: Incoming) -> Result<Receipt> {
        loop {
            match self.0.accept(message.clone()).await {
                Err(AcceptError::Busy { .. }) => tokio::time::sleep(PAUSE).await,
                answer => return Ok(answer?),
            }
        }
    }

    /// Commits a half message, again and again if the host is busy.
    pub(crate) async fn commit(&self, half: HalfId) -> Result<Settled> {
        loop {
            match self.0.settle(half, Decision::Commit).await {
                Err(OperateError::Busy) => tokio::time::sleep(PAUSE).await,
                answer => return Ok(answer?),
            }
        }
    }
}

/// A message to the plugin.
pub(crate) fn message(key: Name, body: Bytes) -> Incoming {
    Incoming {
        half: None,
        topic: "in".into(),
        key: Some(key),
        tag: None,
        headers: Vec::new(),
        body,
        dedup: None,
        deliver: When::Now,
        wait_for: Vec::new(),
    }
}

/// A message that is given up at once.
pub(crate) fn refused(key: Name) -> Incoming {
    Incoming {
        topic: REFUSED.into(),
        ..message(key, Bytes::from_static(b"reject"))
    }
}

/// No producer of a benchmark is asked about half messages.
struct Nobody;

impl CheckBack for Nobody {
    fn ask<'a>(&'a self, _url: &'a str, _half: &'a Half) -> Asking<'a> {
        Box::pin(async { Err("nobody is asked".to_owned()) })
    }
}
