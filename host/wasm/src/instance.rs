//! One instance of a component, and the calls into it.

use std::sync::Arc;

use tokio::time::Instant;
use wasmill_model::effects::Failure;
use wasmill_model::half::{Decision, Half, Owner};
use wasmill_model::http;
use wasmill_model::routes::{CallLimits, PluginSettings};
use wasmill_port::{Call, ScopeState};
use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::WasiHttpCtx;

use crate::component::{Guests, Version};
use crate::data::{Activity, Data};
use crate::deadline::{Passed, within};
use crate::fault::Fault;
use crate::generated::exports::wasmill::plugin::checker;
use crate::generated::wasmill::plugin::types;
use crate::limits::{InstanceLimiter, RESOURCES_MAX};
use crate::log::Level;
use crate::registry::Host;
use crate::translate::{self, IdText};
use crate::wasi::{self, Draws, HttpGate, Lines};

/// An instance that waits for its next call, or is in one.
pub(crate) struct Instance {
    store: Store<Data>,
    guests: Guests,
    calls: u32,
}

impl Instance {
    /// A fresh instance, which has run its start function within the limits of a call.
    pub(crate) async fn start(
        host: &Host,
        version: &Version,
        settings: &Arc<PluginSettings>,
        http_gate: HttpGate,
        deadline: Instant,
    ) -> Result<Self, Fault> {
        let limits = &settings.limits;
        let mut store = Store::new(&host.engine, data(host, version, settings, http_gate)?);
        store.limiter(|data| &mut data.limiter);
        store.epoch_deadline_async_yield_and_update(1);
        prepare(&mut store, Activity::Idle, limits, deadline);
        let started = within(deadline, version.pre.instantiate_async(&mut store)).await;
        let instance = settle(started, &mut store, limits)?;
        let guests = version
            .exports
            .load(&mut store, &instance)
            .map_err(|error| Fault::trapped(&error, store.data_mut(), limits))?;
        Ok(Self {
            store,
            guests,
            calls: 0,
        })
    }

    /// How many calls it has served.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// What its memories and tables hold, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.store.data().limiter.bytes()
    }

    /// Handles one message; also tells the fuel burnt. After a fault the instance is done for.
    pub(crate) async fn handle(
        &mut self,
        call: Call,
        limits: &CallLimits,
        deadline: Instant,
    ) -> (Call, Result<Result<(), Failure>, Fault>, u64) {
        let delivery = call.delivery().clone();
        let message = &*delivery.message;
        let (id, correlation) = (IdText::new(message.id), IdText::new(message.correlation));
        let causation = message.causation.map(IdText::new);
        let parameter = types::Message {
            id: id.as_str(),
            topic: &message.topic,
            subscription: &delivery.subscription,
            key: delivery.key.as_deref(),
            tag: message.tag.as_deref(),
            headers: &translate::borrowed(&message.headers),
            body: &message.body,
            produced_at: message.produced_at.0,
            attempt: delivery.attempt,
            correlation: correlation.as_str(),
            causation: causation.as_ref().map(IdText::as_str),
        };

        let Self {
            store,
            guests,
            calls,
        } = self;
        let handler = guests
            .handler
            .as_ref()
            .expect("the caller looked at the exports");
        *calls += 1;
        prepare(store, Activity::Handling(call), limits, deadline);
        let answer = within(deadline, handler.call_handle(&mut *store, parameter)).await;
        let fuel = limits
            .fuel_max
            .saturating_sub(store.get_fuel().unwrap_or(0));
        let Activity::Handling(call) = store.data_mut().end() else {
            unreachable!("only the end of a call changes the activity")
        };
        if let Some(probe) = &store.data().probe {
            probe.handled(store.data().limiter.bytes());
        }
        let answer = settle(answer, store, limits);
        (
            call,
            answer.map(|result| result.map_err(translate::failure)),
            fuel,
        )
    }

    /// Asks the gate about a request.
    pub(crate) async fn admit(
        &mut self,
        request: &http::Request,
        limits: &CallLimits,
        deadline: Instant,
    ) -> Result<Result<http::Accepted, http::Problem>, Fault> {
        let Self {
            store,
            guests,
            calls,
        } = self;
        let gate = guests
            .gate
            .as_ref()
            .expect("the caller looked at the exports");
        *calls += 1;
        prepare(store, Activity::Admitting, limits, deadline);
        let lists = RequestLists::new(request);
        let asked = gate.call_admit(&mut *store, lists.parameter(request));
        let answer = within(deadline, asked).await;
        store.data_mut().end();
        match settle(answer, store, limits)? {
            Ok(accepted) => Ok(Ok(translate::accepted(accepted))),
            Err(problem) => translate::problem(problem).map(Err).map_err(Fault),
        }
    }

    /// Asks the query about the state of a key.
    pub(crate) async fn answer(
        &mut self,
        state: ScopeState,
        request: &http::Request,
        limits: &CallLimits,
        deadline: Instant,
    ) -> Result<http::Response, Fault> {
        let Self {
            store,
            guests,
            calls,
        } = self;
        let query = guests
            .query
            .as_ref()
            .expect("the caller looked at the exports");
        *calls += 1;
        let key = state.scope().key.clone();
        prepare(store, Activity::Answering(state), limits, deadline);
        let lists = RequestLists::new(request);
        let asked = query.call_answer(&mut *store, &key, lists.parameter(request));
        let answer = within(deadline, asked).await;
        store.data_mut().end();
        translate::response(settle(answer, store, limits)?).map_err(Fault)
    }

    /// Asks the checker about a half message; a text if it does not know.
    pub(crate) async fn check(
        &mut self,
        half: &Half,
        limits: &CallLimits,
        deadline: Instant,
    ) -> Result<Result<Decision, String>, Fault> {
        let Self {
            store,
            guests,
            calls,
        } = self;
        let checker = guests.checker.as_ref();
        let checker = checker.expect("the caller looked at the exports");
        *calls += 1;
        prepare(store, Activity::Checking, limits, deadline);
        let (name, scope_key) = match &half.owner {
            Owner::Plugin { scope, name } => (name.as_str(), scope.key.as_str()),
            Owner::Producer { .. } => ("", ""),
        };
        let message = &half.message;
        let id = IdText::new(message.id);
        let parameter = checker::Half {
            id: id.as_str(),
            name,
            scope_key,
            prepared_at: half.prepared_at.0,
            checks: half.checks,
            topic: &message.topic,
            key: message.key.as_deref(),
            tag: message.tag.as_deref(),
            headers: &translate::borrowed(&message.headers),
            body: &message.body,
        };
        let answer = within(deadline, checker.call_check(&mut *store, parameter)).await;
        store.data_mut().end();
        Ok(match settle(answer, store, limits)? {
            checker::Verdict::Commit => Ok(Decision::Commit),
            checker::Verdict::Rollback => Ok(Decision::RollBack),
            checker::Verdict::Unknown(cause) => Err(cause),
        })
    }
}

/// A request's pairs, borrowed for the guest.
struct RequestLists<'a> {
    params: Vec<(&'a str, &'a str)>,
    query: Vec<(&'a str, &'a str)>,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> RequestLists<'a> {
    fn new(request: &'a http::Request) -> Self {
        Self {
            params: translate::borrowed(&request.params),
            query: translate::borrowed(&request.query),
            headers: translate::borrowed(&request.headers),
        }
    }

    fn parameter(&'a self, request: &'a http::Request) -> types::Request<'a> {
        types::Request {
            method: &request.method,
            path: &request.path,
            params: &self.params,
            query: &self.query,
            headers: &self.headers,
            body: &request.body,
        }
    }
}

/// Gives the store all that one call may use.
fn prepare(store: &mut Store<Data>, activity: Activity, limits: &CallLimits, deadline: Instant) {
    store
        .set_fuel(limits.fuel_max)
        .expect("the engine counts fuel");
    store.set_epoch_deadline(1);
    store.data_mut().begin(activity, deadline);
}

fn settle<T>(
    ended: Result<wasmtime::Result<T>, Passed>,
    store: &mut Store<Data>,
    limits: &CallLimits,
) -> Result<T, Fault> {
    match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Fault::trapped(&error, store.data_mut(), limits)),
        Err(Passed) => Err(Fault::late(limits.deadline)),
    }
}

fn data(
    host: &Host,
    version: &Version,
    settings: &Arc<PluginSettings>,
    http_gate: HttpGate,
) -> Result<Data, Fault> {
    let log = version.log.clone();
    let stdout = Lines::new(log.clone(), Level::Info);
    let stderr = Lines::new(log.clone(), Level::Warn);
    let files = host.files(&version.plugin);
    if settings.grants.files {
        std::fs::create_dir_all(&files)
            .map_err(|error| Fault(format!("{}: {error}", files.display())))?;
    }
    let draws = host.surroundings.same_random.then(Draws::default);
    let wasi = wasi::context(
        &settings.grants,
        &files,
        host.clock.clone(),
        stdout,
        stderr.clone(),
        draws.as_ref(),
    )
    .map_err(|error| Fault(format!("{}: {error:#}", files.display())))?;
    let mut table = ResourceTable::new();
    table.set_max_capacity(RESOURCES_MAX);
    Ok(Data {
        activity: Activity::Idle,
        settings: settings.clone(),
        log,
        limiter: InstanceLimiter::new(settings.limits.memory_bytes_max),
        stderr,
        wasi,
        http: WasiHttpCtx::new(),
        http_gate,
        table,
        host_calls: 0,
        probe: host.surroundings.probe.clone(),
        draws,
    })
}
