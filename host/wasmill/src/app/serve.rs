//! The life of a host: start everything, serve until told to stop, end in order.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use wasmill_api::{Api, HttpCheckBack, Limits};
use wasmill_model::{Name, Routes};
use wasmill_port::{Clock, Plugins as _};
use wasmill_service::reload::{self, Reload};
use wasmill_service::{Handle, Parts, PluginMetrics, Stopper, Supervisor, SystemClock};
use wasmill_store::{DataDir, Settings, Sled, SledLog, SledView};
use wasmill_wasm::Registry;

use super::absent::{Absent, Watched};
use super::routes::{Applied, RoutesFile};
use super::signals::Signals;
use super::{Failure, access, descriptors, named};

/// What a host is started with.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) routes: PathBuf,
    pub(crate) plugins: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) api: SocketAddr,
    pub(crate) api_token: Option<PathBuf>,
    pub(crate) partitions: u16,
}

/// The platform's HTTP API over the real plugins.
type HostApi = Api<Handle<Registry>>;
/// The real plugins, with their subscriptions.
pub(super) type Plugins = Supervisor<Registry, Watched>;

/// The OpenAPI document of the data API.
pub(crate) fn openapi() -> String {
    HostApi::openapi()
}

/// Serves until a signal, or until the store fails.
pub(crate) async fn serve(options: Options) -> Result<(), Failure> {
    let mut signals = Signals::listen().context("signals cannot be received")?;
    descriptors::raise_limit();
    let (file, routes) = RoutesFile::open(options.routes.clone())?;
    let access = access::of(options.api, options.api_token.as_deref())?;
    let (listener, address) = listen("listen", options.listen)?;
    let (data_listener, data_address) = listen("api", options.api)?;

    let (metrics, registry) = Metrics::new();
    let api = HostApi::new(
        Limits::default(),
        metrics.api.clone(),
        Arc::new(registry),
        &routes,
    )
    .map_err(Failure::config)?;
    // Probes are answered from here on, while the rest recovers.
    let (stop_http, http_stopped) = watch::channel(false);
    let serve = |service, listener| {
        let mut stopped = http_stopped.clone();
        tokio::spawn(wasmill_api::serve(
            api.clone(),
            service,
            listener,
            async move {
                // An error means that the host is gone, which is a stop as well.
                let _ = stopped.wait_for(|stopped| *stopped).await;
            },
        ))
    };
    let http = vec![
        serve(api.service(), listener),
        serve(api.data_service(access), data_listener),
    ];

    let running = Running::start(&options, routes, metrics, &api);
    // A signal ends a start as well: nothing is half done that recovery would not see to.
    let running = tokio::select! {
        running = running => running?,
        signal = signals.received() => {
            tracing::info!(signal, "stopped while starting");
            return Ok(());
        }
    };
    let watch = tokio::spawn(file.watch(running.applied(api.clone())));
    announce(address, data_address)?;

    let ended = tokio::select! {
        signal = signals.received() => {
            tracing::info!(signal, "stopping");
            Ok(())
        }
        cause = running.handle.failed() => Err(anyhow!("the store failed: {cause}")),
    };
    watch.abort();
    tokio::select! {
        () = running.stop(stop_http, http) => tracing::info!("stopped"),
        signal = signals.again() => {
            tracing::warn!(signal, "stopped at once");
            std::process::exit(1);
        }
    }
    Ok(ended?)
}

fn listen(option: &str, address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = wasmill_api::listen(address).with_context(|| {
        format!("cannot listen on {address}; name another address with --{option}")
    })?;
    let address = listener.local_addr();
    Ok((listener, address.context("the listener has no address")?))
}

/// Tells on stdout, for whoever started the process, that requests may come.
fn announce(address: SocketAddr, data_address: SocketAddr) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "data API on http://{data_address}")
        .and_then(|()| writeln!(stdout, "listening on http://{address}"))
        .and_then(|()| stdout.flush())
        .context("stdout cannot be written to")
}

/// The counters of every layer.
struct Metrics {
    api: wasmill_api::Metrics,
    service: wasmill_service::Metrics,
    reload: reload::Metrics,
    plugins: PluginMetrics,
}

impl Metrics {
    fn new() -> (Self, prometheus_client::registry::Registry) {
        let mut registry = prometheus_client::registry::Registry::with_prefix("wasmill");
        let metrics = Self {
            api: wasmill_api::Metrics::new(&mut registry),
            service: wasmill_service::Metrics::new(&mut registry),
            reload: reload::Metrics::new(&mut registry),
            plugins: PluginMetrics::new(&mut registry),
        };
        (metrics, registry)
    }
}

/// Everything behind HTTP.
struct Running {
    handle: Handle<Registry>,
    plugins: Arc<Registry>,
    supervisor: Arc<Plugins>,
    absent: Arc<Absent>,
    reload: Reload,
    stopper: Stopper,
    /// Keeps other processes out of the data directory until the last thing is written.
    _data: DataDir,
}

impl Running {
    async fn start(
        options: &Options,
        routes: Routes,
        metrics: Metrics,
        api: &HostApi,
    ) -> Result<Self, Failure> {
        let (data, log, view) = open_store(options).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let config = wasmill_wasm::Config {
            data: data.path().to_owned(),
        };
        let plugins = Registry::new(config, clock.clone(), Arc::new(routes.clone()))
            .context("the plugins' host did not start")?;
        metrics.plugins.tell(plugins.clone());

        let mut config = wasmill_service::Config::default();
        config.engine.partitions = options.partitions;
        let (guests, runtime) = (plugins.clone(), tokio::runtime::Handle::current());
        let metrics_of_service = metrics.service;
        let parts = Parts {
            log,
            view,
            guests,
            check_back: Arc::new(HttpCheckBack),
            clock: clock.clone(),
            routes,
            metrics: metrics_of_service,
            runtime,
        };
        let started = spawn_blocking(move || wasmill_service::start(config, parts)).await;
        let (handle, stopper) = started
            .context("the recovery broke off")?
            .context("the data directory could not be recovered")?;

        let absent = Arc::new(Absent::new(plugins.clone(), options.plugins.clone()));
        let watched = Watched {
            handle: handle.clone(),
            absent: absent.clone(),
        };
        let supervisor = Supervisor::new(plugins.clone(), Arc::new(watched), clock);
        let supervisor = Arc::new(supervisor);
        let config = reload::Config::new(options.plugins.clone());
        let reload = reload::start(config, supervisor.clone(), metrics.reload).await;
        let reload = reload.map_err(Failure::config)?;
        absent.look(&handle.routes());
        let missing = missing(&handle, &plugins);
        api.open(handle.clone(), supervisor.clone(), missing);
        Ok(Self {
            handle,
            plugins,
            supervisor,
            absent,
            reload,
            stopper,
            _data: data,
        })
    }

    /// What a change of the routes has to reach.
    fn applied(&self, api: HostApi) -> Applied {
        Applied {
            handle: self.handle.clone(),
            plugins: self.plugins.clone(),
            supervisor: self.supervisor.clone(),
            api,
            absent: self.absent.clone(),
        }
    }

    /// Ends in the order in which nothing is cut off that could end by itself.
    async fn stop(self, stop_http: watch::Sender<bool>, http: Vec<JoinHandle<()>>) {
        self.reload.stop().await;
        // An error means that the listeners have ended already.
        let _ = stop_http.send(true);
        for http in http {
            if let Err(error) = http.await {
                tracing::error!(%error, "a listener ended badly");
            }
        }
        self.stopper.stop().await;
    }
}

async fn open_store(options: &Options) -> Result<(DataDir, SledLog, SledView), Failure> {
    let settings = Settings {
        partitions: options.partitions,
        ..Settings::default()
    };
    let path = options.data.clone();
    let opened = spawn_blocking(move || {
        let data = DataDir::open(&path, settings).map_err(Failure::config)?;
        let (log, view) = Sled::open(&data, &wasmill_store::Options::default())
            .context("the database could not be opened")?;
        Ok((data, log, view))
    });
    opened
        .await
        .context("opening the data directory broke off")?
}

/// Tells which plugins that the routes in force name are not in service.
fn missing(
    handle: &Handle<Registry>,
    plugins: &Arc<Registry>,
) -> impl Fn() -> Vec<Name> + Send + Sync + use<> {
    let (handle, plugins) = (handle.clone(), plugins.clone());
    move || {
        let serving = plugins.serving();
        let named = named::plugins(&handle.routes());
        named
            .into_iter()
            .filter(|name| !serving.contains(name))
            .collect()
    }
}
