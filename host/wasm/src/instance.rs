//! One instance of a component, and the calls into it.

use std::pin::pin;
use std::sync::Arc;

use tokio::time::Instant;
use wasmill_model::effects::Failure;
use wasmill_model::half::{Decision, Half, Owner};
use wasmill_model::http;
use wasmill_model::routes::{CallLimits, PluginSettings};
use wasmill_port::{Call, Delivery, ScopeState};
use wasmtime::component::ResourceTable;
use wasmtime::{Store, UpdateDeadline, bail};
use wasmtime_wasi_http::WasiHttpCtx;

use crate::account::Bill;
use crate::component::{Guests, Version};
use crate::data::{Activity, Data};
use crate::deadline::{Passed, within};
use crate::fault::Fault;
use crate::generated::exports::wasmill::plugin::checker;
use crate::hand_over::{Answer, hand_over, hand_over_resource};
use crate::limits::{FIELDS_BYTES_MAX, HOST_CALL_BYTES_MAX, InstanceLimiter, RESOURCES_MAX};
use crate::log::PluginLog;
use crate::registry::Host;
use crate::share;
use crate::translate::{self, IdText, RequestLists};
use crate::wasi::{self, Draws, HttpGate, Lines, Tape};

/// An instance that waits for its next call, or is in one.
pub(crate) struct Instance {
    store: Store<Data>,
    // Boxed: an instance is moved with each call.
    guests: Box<Guests>,
    state_version: u32,
    calls: u32,
    /// What its start used, which the bill of its first call tells as well.
    start: Bill,
    /// What it held when its last call began, in bytes.
    held: usize,
}

/// Where an instance speaks to the outside of its sandbox.
pub(crate) struct Outside {
    pub(crate) log: Arc<PluginLog>,
    pub(crate) http_gate: HttpGate,
}

/// A start that failed, and what it used.
pub(crate) struct Unstarted {
    pub(crate) fault: Fault,
    pub(crate) bill: Bill,
}

impl From<Fault> for Unstarted {
    fn from(fault: Fault) -> Self {
        let bill = Bill::default();
        Self { fault, bill }
    }
}

impl Instance {
    /// A fresh instance, which has run its start function within the limits of a call.
    pub(crate) async fn start(
        host: &Host,
        version: &Version,
        settings: &Arc<PluginSettings>,
        outside: Outside,
        deadline: Instant,
    ) -> Result<Self, Unstarted> {
        let limits = &settings.limits;
        let mut store = Store::new(&host.engine, data(host, version, settings, outside)?);
        store.limiter(|data| &mut data.limiter);
        store.set_hostcall_fuel(limits.memory_bytes_max.min(HOST_CALL_BYTES_MAX));
        store.epoch_deadline_callback(|_| {
            share::tick();
            Ok(UpdateDeadline::Yield(1))
        });
        prepare(&mut store, Activity::Idle, limits, deadline);
        let started = within(deadline, pin!(version.pre.instantiate_async(&mut store))).await;
        let guests = settle(started, &mut store, limits).and_then(|instance| {
            let loaded = version.exports.load(&mut store, &instance);
            loaded.map_err(|error| Fault::trapped(&error, store.data_mut(), limits))
        });
        let bill = bill(&store, limits, 0);
        match guests {
            Ok(guests) => Ok(Self {
                store,
                guests: Box::new(guests),
                state_version: version.state_version,
                calls: 0,
                start: bill,
                held: 0,
            }),
            Err(fault) => Err(Unstarted { fault, bill }),
        }
    }

    /// How many calls it has served.
    pub(crate) fn calls(&self) -> u32 {
        self.calls
    }

    /// What its memories and tables hold, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.store.data().limiter.bytes()
    }

    /// What the last call used, and the instance's start if it was the first.
    pub(crate) fn bill(&self, limits: &CallLimits) -> Bill {
        let mut bill = bill(&self.store, limits, self.held);
        if self.calls == 1 {
            bill.fuel += self.start.fuel;
            bill.host_calls += self.start.host_calls;
        }
        bill
    }

    /// Begins a call.
    fn begin(&mut self, activity: Activity, limits: &CallLimits, deadline: Instant) {
        self.calls += 1;
        self.held = self.store.data().limiter.bytes();
        prepare(&mut self.store, activity, limits, deadline);
    }

    /// Handles one message. After a fault the instance is done for.
    pub(crate) async fn handle(
        &mut self,
        mut call: Box<Call>,
        tape: Tape,
        limits: &CallLimits,
        deadline: Instant,
    ) -> (Box<Call>, Result<Result<(), Failure>, Fault>) {
        let delivery = call.delivery().clone();
        let from = match call.outdated(self.state_version) {
            Ok(from) => from,
            Err(error) => {
                // Nothing is called, and that is what its bill tells.
                self.begin(Activity::Idle, limits, deadline);
                return (call, Ok(Err(error.into())));
            }
        };
        self.begin(Activity::Handling(call), limits, deadline);
        self.store.data_mut().http_gate.tape = tape;
        let migrated = match from {
            None => Ok(Ok(Ok(()))),
            // Boxed: it is rare, and its future would be moved with each call's.
            Some(from) => within(deadline, Box::pin(self.migrate(from)).as_mut()).await,
        };
        let answer = match migrated {
            Ok(Ok(Ok(()))) => self.hand_over(&delivery, deadline).await,
            ended => ended,
        };
        let store = &mut self.store;
        let Activity::Handling(call) = store.data_mut().end() else {
            unreachable!("only the end of a call changes the activity")
        };
        if let Some(probe) = &store.data().probe {
            probe.handled(store.data().limiter.bytes());
        }
        let answer = settle(answer, store, limits);
        let log = &store.data().log;
        let masked = |mut failure: Failure| {
            failure.cause = log.masked(&failure.cause).into_owned();
            failure
        };
        (call, answer.map(|result| result.map_err(masked)))
    }

    /// Calls whichever handler there is with a message.
    async fn hand_over(
        &mut self,
        delivery: &Delivery,
        deadline: Instant,
    ) -> Answer<Result<(), Failure>> {
        if let Some(handler) = &self.guests.handler {
            return hand_over(&mut self.store, handler, delivery, deadline).await;
        }
        let messaging = self.guests.messaging.as_ref();
        let handler = messaging.expect("the caller looked at the exports");
        hand_over_resource(&mut self.store, handler, delivery, deadline).await
    }

    /// Brings the key's state up to date from an earlier version.
    async fn migrate(&mut self, from: u32) -> wasmtime::Result<Result<(), Failure>> {
        let Some(migration) = &self.guests.migration else {
            let own = self.state_version;
            bail!(
                "the key's state has version {from} of its schema, the plugin reads {own}, and it \
                 exports no `migrate`"
            );
        };
        self.store.data_mut().migrating = true;
        let migrated = migration.call_migrate(&mut self.store, from).await;
        self.store.data_mut().migrating = false;
        Ok(migrated?.map_err(translate::failure))
    }

    /// Asks the gate about a request.
    pub(crate) async fn admit(
        &mut self,
        request: &http::Request,
        limits: &CallLimits,
        deadline: Instant,
    ) -> Result<Result<http::Accepted, http::Problem>, Fault> {
        self.begin(Activity::Admitting, limits, deadline);
        let Self { store, guests, .. } = self;
        let gate = guests
            .gate
            .as_ref()
            .expect("the caller looked at the exports");
        let lists = RequestLists::new(request);
        let asked = gate.call_admit(&mut *store, lists.parameter(request));
        let answer = within(deadline, pin!(asked)).await;
        store.data_mut().end();
        match settle(answer, store, limits)? {
            Ok(accepted) => Ok(Ok(translate::accepted(accepted))),
            Err(mut problem) => {
                let log = &store.data().log;
                for text in [&mut problem.title, &mut problem.detail] {
                    *text = log.masked(text).into_owned();
                }
                translate::problem(problem).map(Err).map_err(Fault)
            }
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
        let from = match state.outdated(self.state_version) {
            Ok(from) => from,
            Err(error) => {
                self.begin(Activity::Idle, limits, deadline);
                return Err(Fault(error.to_string()));
            }
        };
        let key = state.scope().key.clone();
        self.begin(Activity::Answering(state), limits, deadline);
        let migrated = match from {
            None => Ok(Ok(Ok(()))),
            Some(from) => within(deadline, pin!(self.migrate(from))).await,
        };
        let Self { store, guests, .. } = self;
        if let Err(failure) = settle(migrated, store, limits)? {
            let cause = store.data().log.masked(&failure.cause);
            return Err(Fault(format!("`migrate` failed: {cause}")));
        }
        let query = guests.query.as_ref();
        let query = query.expect("the caller looked at the exports");
        let lists = RequestLists::new(request);
        let asked = query.call_answer(&mut *store, &key, lists.parameter(request));
        let answer = within(deadline, pin!(asked)).await;
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
        self.begin(Activity::Checking, limits, deadline);
        let Self { store, guests, .. } = self;
        let checker = guests.checker.as_ref();
        let checker = checker.expect("the caller looked at the exports");
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
        let answer = within(deadline, pin!(checker.call_check(&mut *store, parameter))).await;
        store.data_mut().end();
        Ok(match settle(answer, store, limits)? {
            checker::Verdict::Commit => Ok(Decision::Commit),
            checker::Verdict::Rollback => Ok(Decision::RollBack),
            checker::Verdict::Unknown(cause) => Err(store.data().log.masked(&cause).into_owned()),
        })
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

/// What was used since the store was prepared; `held` is what it held then.
fn bill(store: &Store<Data>, limits: &CallLimits, held: usize) -> Bill {
    let (data, left) = (store.data(), store.get_fuel().unwrap_or(0));
    let holds = data.limiter.bytes();
    Bill {
        fuel: limits.fuel_max.saturating_sub(left),
        host_calls: data.host_calls,
        memory_bytes: holds as u64,
        memory_grown_bytes: holds.saturating_sub(held) as u64,
    }
}

fn settle<T>(ended: Answer<T>, store: &mut Store<Data>, limits: &CallLimits) -> Result<T, Fault> {
    match ended {
        Ok(Ok(value)) => {
            store.data().stderr.release();
            Ok(value)
        }
        Ok(Err(error)) => Err(Fault::trapped(&error, store.data_mut(), limits)),
        Err(Passed) => Err(Fault::late(limits.deadline)),
    }
}

fn data(
    host: &Host,
    version: &Version,
    settings: &Arc<PluginSettings>,
    outside: Outside,
) -> Result<Data, Fault> {
    let Outside { log, http_gate } = outside;
    let (stdout, stderr) = (Lines::stdout(log.clone()), Lines::stderr(log.clone()));
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
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(FIELDS_BYTES_MAX);
    Ok(Data {
        activity: Activity::Idle,
        settings: settings.clone(),
        log,
        limiter: InstanceLimiter::new(settings.limits.memory_bytes_max),
        stderr,
        wasi,
        http,
        http_gate,
        table,
        held_bytes: 0,
        host_calls: 0,
        probe: host.surroundings.probe.clone(),
        draws,
        migrating: false,
    })
}
