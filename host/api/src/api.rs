//! The API's state: the platform once it has recovered, and the routes in force.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use axum::Router;
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use wasmill_model::{Name, Routes};

use crate::body::Budget;
use crate::error::Error;
use crate::table::{Table, TableError};
use crate::{Control, Limits, Metrics, Platform, Service, dispatch, probes};

/// The HTTP API. Clones share one state.
///
/// It answers probes from the beginning and everything else once it is [opened](Api::open).
pub struct Api<P> {
    state: Arc<State<P>>,
}

pub(crate) struct State<P> {
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) registry: Arc<Registry>,
    pub(crate) table: ArcSwap<Table>,
    pub(crate) requests: Semaphore,
    pub(crate) budget: Budget,
    /// True once the host stops: nobody should wait any more.
    pub(crate) stopping: watch::Sender<bool>,
    opened: OnceLock<Opened<P>>,
}

pub(crate) struct Opened<P> {
    pub(crate) platform: P,
    pub(crate) plugins: Arc<dyn Control>,
    /// Plugins that the routes name and that are not in service.
    pub(crate) missing: Box<dyn Fn() -> Vec<Name> + Send + Sync>,
}

impl<P> Clone for Api<P> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
        }
    }
}

impl<P: Platform> Api<P> {
    /// An API over these routes. `/metrics` shows all of `registry`.
    ///
    /// # Errors
    /// [`TableError`] if two routes match the same requests.
    pub fn new(
        limits: Limits,
        metrics: Metrics,
        registry: Arc<Registry>,
        routes: &Routes,
    ) -> Result<Self, TableError> {
        let state = State {
            limits,
            metrics,
            registry,
            table: ArcSwap::from_pointee(Table::new(routes)?),
            requests: Semaphore::new(limits.requests_max.min(Semaphore::MAX_PERMITS)),
            budget: Budget::new(limits.bodies_bytes_max),
            stopping: watch::Sender::new(false),
            opened: OnceLock::new(),
        };
        Ok(Self {
            state: Arc::new(state),
        })
    }

    /// Begins to answer requests with `platform`, and those about plugins with `plugins`. `missing`
    /// tells which plugins that the routes name are not in service. Only the first call counts.
    pub fn open(
        &self,
        platform: P,
        plugins: Arc<dyn Control>,
        missing: impl Fn() -> Vec<Name> + Send + Sync + 'static,
    ) {
        self.state.opened.get_or_init(|| Opened {
            platform,
            plugins,
            missing: Box::new(missing),
        });
    }

    /// Puts other routes in force for all requests that come after.
    ///
    /// # Errors
    /// [`TableError`] if two routes match the same requests; nothing has changed.
    pub fn set_routes(&self, routes: &Routes) -> Result<(), TableError> {
        self.state.table.store(Arc::new(Table::new(routes)?));
        Ok(())
    }

    /// The operator's routes, probes and metrics.
    pub fn service(&self) -> Service {
        Service {
            router: self.router(),
            connections_max: self.limits().connections_max,
            head_timeout: self.limits().head_timeout,
        }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/healthz", get(probes::healthz))
            .route("/readyz", get(probes::readyz::<P>))
            .route("/metrics", get(probes::metrics::<P>))
            .fallback(dispatch::dispatch::<P>)
            .with_state(self.state.clone())
    }

    pub(crate) fn state(&self) -> Arc<State<P>> {
        self.state.clone()
    }

    pub(crate) fn limits(&self) -> Limits {
        self.state.limits
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.state.metrics
    }

    /// Makes `/readyz` say so, and everyone who waits for an outcome go without it.
    pub(crate) fn stop(&self) {
        self.state.stopping.send_replace(true);
    }
}

impl<P> State<P> {
    /// The platform.
    ///
    /// # Errors
    /// [`Error::Starting`] if it has not recovered yet.
    pub(crate) fn platform(&self) -> Result<&P, Error> {
        let opened = self.opened().ok_or(Error::Starting)?;
        Ok(&opened.platform)
    }

    /// The plugins, for operators.
    ///
    /// # Errors
    /// [`Error::Starting`] if the platform has not recovered yet.
    pub(crate) fn plugins(&self) -> Result<&Arc<dyn Control>, Error> {
        let opened = self.opened().ok_or(Error::Starting)?;
        Ok(&opened.plugins)
    }

    /// A place among the requests in progress.
    ///
    /// # Errors
    /// [`Error::Busy`] if all are taken.
    pub(crate) fn enter(&self) -> Result<SemaphorePermit<'_>, Error> {
        self.requests.try_acquire().map_err(|_| Error::Busy {
            what: "as many requests in hand as it can serve",
        })
    }

    /// What there is once the platform has recovered.
    pub(crate) fn opened(&self) -> Option<&Opened<P>> {
        self.opened.get()
    }
}
