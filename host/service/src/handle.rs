//! What callers hold: take messages in, ask gates and queries, change routes.

mod batch;
mod incoming;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{oneshot, watch};
use wasmill_engine::Engine;
use wasmill_model::effects::Scope;
use wasmill_model::http::{self, Problem, Request, Response};
use wasmill_model::{Millis, Name, Routes};
use wasmill_port::guest::{self, Guests};
use wasmill_port::{Clock, ScopeState, StateReader};

use crate::command::{Accept, Command};
use crate::look_up::LookUps;
use crate::operator::Places;
use crate::snapshots::VersionedView;

pub use incoming::{AcceptError, Dedup, Incoming, Receipt};

/// Messages whose answer is outstanding, at most.
const IN_FLIGHT_COUNT_MAX: usize = 20_000;
/// Their bodies' bytes, at most.
const IN_FLIGHT_BYTES_MAX: usize = 64 << 20;
/// How often a query is asked anew because a checkpoint began meanwhile.
const QUERY_TRIES: usize = 8;
/// When to come again to a host that has as much to do as it can.
pub const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a query was not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The plugin did not answer.
    #[error(transparent)]
    Guest(#[from] guest::Error),
    /// Checkpoints came between what was read, each time: ask again.
    #[error("the key's state changed while it was read")]
    Busy,
    /// The host is stopping, or its store failed.
    #[error("the host is stopping")]
    Stopped,
}

/// A cheap clone of the way to the services.
pub struct Handle<G> {
    pub(crate) shared: Arc<Shared<G>>,
}

pub(crate) struct Shared<G> {
    pub(crate) commands: Sender<Command>,
    pub(crate) guests: Arc<G>,
    pub(crate) reader: Arc<dyn StateReader>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) routes: ArcSwap<Routes>,
    pub(crate) in_flight: InFlight,
    pub(crate) versioned: VersionedView,
    pub(crate) look_ups: LookUps,
    pub(crate) previews: Places,
    pub(crate) failure: watch::Receiver<Option<String>>,
    /// Subscriptions whose moves a task goes on with.
    pub(crate) driven: Mutex<BTreeSet<Name>>,
}

#[derive(Default)]
pub(crate) struct InFlight {
    count: AtomicUsize,
    bytes: AtomicUsize,
}

impl<G> Clone for Handle<G> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<G: Guests> Handle<G> {
    /// Takes a message in; returns once it is durable.
    ///
    /// # Errors
    /// [`AcceptError`]; nothing was taken in, unless it is [`AcceptError::Store`].
    pub async fn accept(&self, incoming: Incoming) -> Result<Receipt, AcceptError> {
        let _place = self.shared.in_flight.enter(1, incoming.body.len())?;
        let (reply, receipt) = oneshot::channel();
        let (mut incoming, wait_for) = incoming.for_engine();
        self.check_declared(&wait_for)?;
        let seen = self.shared.versioned.look_up(&mut incoming);
        let seen = seen.map_err(|error| AcceptError::Store(error.to_string()))?;
        self.send(Command::Accept(Box::new(Accept {
            incoming,
            seen,
            wait_for,
            reply,
        })))
        .map_err(|Stopped| self.stopped())?;
        receipt.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    /// Nothing would ever come on a topic that is not there.
    fn check_declared(&self, topics: &[Name]) -> Result<(), AcceptError> {
        if topics.is_empty() {
            return Ok(());
        }
        let routes = self.shared.routes.load();
        match topics.iter().find(|topic| !routes.declares(topic)) {
            Some(unknown) => Err(AcceptError::UnknownTopic(unknown.clone())),
            None => Ok(()),
        }
    }

    /// Asks a plugin's gate about a request.
    ///
    /// # Errors
    /// [`guest::Error`] if the gate did not answer.
    pub async fn admit(
        &self,
        plugin: &Name,
        request: Request,
    ) -> Result<Result<http::Accepted, Problem>, guest::Error> {
        self.shared.guests.admit(plugin, request).await
    }

    /// Asks a plugin's query about the durable state of a key: the plugin's own, or what it keeps
    /// on this host, as `owner` says (see [`wasmill_model::reserved::owner`]).
    ///
    /// # Errors
    /// [`QueryError`] if the query did not answer.
    pub async fn query(
        &self,
        owner: &Name,
        key: &Name,
        request: Request,
    ) -> Result<Response, QueryError> {
        let scope = Scope {
            plugin: owner.clone(),
            key: key.clone(),
        };
        let snapshots = &self.shared.versioned.snapshots;
        let partition = snapshots.partitioner().of(key);
        let version = || snapshots.version(partition);
        for _ in 0..QUERY_TRIES {
            let before = version();
            let response = self.query_once(&scope, request.clone()).await?;
            if before == version() {
                return Ok(response);
            }
        }
        Err(QueryError::Busy)
    }

    async fn query_once(&self, scope: &Scope, request: Request) -> Result<Response, QueryError> {
        let of = scope.clone();
        let recent = self.operate(move |engine, _| engine.recent(&of)).await;
        let recent = recent.map_err(|Stopped| QueryError::Stopped)?;
        let state = ScopeState::new(scope.clone(), recent, self.shared.reader.clone());
        Ok(self.shared.guests.answer(state, request).await?)
    }

    /// The routes in force.
    #[must_use]
    pub fn routes(&self) -> Arc<Routes> {
        self.shared.routes.load_full()
    }

    /// Puts other routes in force for all that comes after.
    ///
    /// # Errors
    /// A text that says what cannot change while the host runs; nothing has changed.
    pub async fn set_routes(&self, routes: Routes) -> Result<(), String> {
        let routes = Arc::new(routes);
        let (reply, done) = oneshot::channel();
        let stopping = || "the host is stopping".to_owned();
        self.send(Command::SetRoutes {
            routes: routes.clone(),
            reply,
        })
        .map_err(|Stopped| stopping())?;
        done.await.map_err(|_| stopping())??;
        self.shared.routes.store(routes);
        // A subscription that is new may begin with what the log has.
        self.drive_moves().await.map_err(|Stopped| stopping())
    }

    /// Puts a plugin's subscriptions into service, or pauses them.
    pub async fn set_serving(&self, plugin: &Name, serving: bool) {
        let (reply, done) = oneshot::channel();
        let plugin = plugin.clone();
        if self
            .send(Command::SetServing {
                plugin,
                serving,
                reply,
            })
            .is_ok()
        {
            // A host that stops meanwhile needs no answer.
            let _ = done.await;
        }
    }

    /// Resolves with the cause if the store fails: the host must be restarted.
    pub async fn failed(&self) -> String {
        let mut failure = self.shared.failure.clone();
        let failed = failure
            .wait_for(Option::is_some)
            .await
            .map(|cause| cause.clone());
        match failed {
            Ok(cause) => cause.unwrap_or_default(),
            // The engine's thread ended without a failure: it was stopped.
            Err(_) => std::future::pending().await,
        }
    }

    pub(crate) fn send(&self, command: Command) -> Result<(), Stopped> {
        self.shared.commands.send(command).map_err(|_| Stopped)
    }

    fn stopped(&self) -> AcceptError {
        match &*self.shared.failure.borrow() {
            Some(cause) => AcceptError::Store(cause.clone()),
            None => AcceptError::Stopped,
        }
    }
}

/// The engine's thread has ended.
pub(crate) struct Stopped;

/// Does something on the engine's thread; what it returns comes back once it is durable.
pub(crate) async fn operate<T: Send + 'static>(
    engine: &Sender<Command>,
    act: impl FnOnce(&mut Engine, Millis) -> T + Send + 'static,
) -> Result<T, Stopped> {
    let (reply, answer) = oneshot::channel();
    let operation = Command::Operate(Box::new(move |engine, now| {
        let result = act(engine, now);
        // Whoever asked may have gone.
        Box::new(move || drop(reply.send(result)))
    }));
    engine.send(operation).map_err(|_| Stopped)?;
    answer.await.map_err(|_| Stopped)
}

impl InFlight {
    fn enter(&self, count: usize, bytes: usize) -> Result<Place<'_>, AcceptError> {
        let place = Place {
            in_flight: self,
            count,
            bytes,
        };
        let others = self.count.fetch_add(count, Ordering::Relaxed);
        let held = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if others >= IN_FLIGHT_COUNT_MAX || held >= IN_FLIGHT_BYTES_MAX {
            return Err(AcceptError::Busy {
                retry_after: BUSY_RETRY_AFTER,
            });
        }
        Ok(place)
    }
}

/// The share that messages have of what may be in flight.
struct Place<'a> {
    in_flight: &'a InFlight,
    count: usize,
    bytes: usize,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Self {
            in_flight, count, ..
        } = self;
        in_flight.count.fetch_sub(*count, Ordering::Relaxed);
        in_flight.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
