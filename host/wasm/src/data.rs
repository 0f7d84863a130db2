//! What the host holds for one instance: the activity in progress, WASI, limits and log.

use std::sync::Arc;

use tokio::time::Instant;
use wasmill_model::routes::PluginSettings;
use wasmill_model::{MessageId, trace};
use wasmill_port::{Call, ScopeState};
use wasmtime::component::ResourceTable;
use wasmtime::{Error, Result, bail};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::generated::wasmill::plugin::types::Error as Refusal;
use crate::limits::{HOST_CALLS_MAX, InstanceLimiter};
use crate::log::PluginLog;
use crate::surroundings::Probe;
use crate::wasi::{Draws, HttpGate, Lines, Tape};

/// What a guest is doing, which decides what it may ask of the host.
pub(crate) enum Activity {
    /// Nothing: it starts, or waits for its next call.
    Idle,
    /// Its handler runs.
    Handling(Box<Call>),
    /// Its query reads a key's durable state.
    Answering(ScopeState),
    /// Its gate looks at a request.
    Admitting,
    /// Its checker decides about a half message.
    Checking,
}

/// The data of an instance's store.
pub(crate) struct Data {
    pub(crate) activity: Activity,
    pub(crate) settings: Arc<PluginSettings>,
    pub(crate) log: Arc<PluginLog>,
    pub(crate) limiter: InstanceLimiter,
    pub(crate) stderr: Lines,
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) http_gate: HttpGate,
    pub(crate) table: ResourceTable,
    /// Bytes of the messages among the resources.
    pub(crate) held_bytes: usize,
    pub(crate) host_calls: u32,
    pub(crate) probe: Option<Arc<dyn Probe>>,
    pub(crate) draws: Option<Draws>,
    /// The state is brought up to date, before what the activity says.
    pub(crate) migrating: bool,
}

impl Data {
    /// Begins a call that must end by `deadline`.
    pub(crate) fn begin(&mut self, activity: Activity, deadline: Instant) {
        self.http_gate.trace = match &activity {
            Activity::Handling(call) => trace::of_handling(&call.delivery().message),
            _ => None,
        };
        self.activity = activity;
        if let Some(draws) = &self.draws {
            draws.begin(self.message().map_or(0, |id| id.0));
        }
        self.host_calls = 0;
        self.migrating = false;
        self.http_gate.deadline = deadline;
        self.stderr.release();
    }

    /// Ends a call.
    pub(crate) fn end(&mut self) -> Activity {
        self.http_gate.tape = Tape::Off;
        std::mem::replace(&mut self.activity, Activity::Idle)
    }

    /// The message being handled.
    pub(crate) fn message(&self) -> Option<MessageId> {
        match &self.activity {
            Activity::Handling(call) => Some(call.delivery().message.id),
            _ => None,
        }
    }

    /// Counts a call of the host's `function`, and traps the guest that makes too many.
    pub(crate) fn count(&mut self, function: &'static str) -> Result<()> {
        self.host_calls += 1;
        if self.host_calls > HOST_CALLS_MAX {
            bail!("more than {HOST_CALLS_MAX} calls of host functions in one call of the plugin");
        }
        match &self.probe {
            Some(probe) => probe.host_call(function).map_err(Error::msg),
            None => Ok(()),
        }
    }

    /// The handler call in progress; a refusal of `function` if it is something else.
    pub(crate) fn handling(&mut self, function: &str) -> Result<&mut Call, Refusal> {
        if self.migrating {
            return Err(Refusal::Invalid(format!(
                "`{function}` is refused in `migration.migrate`: it only brings the state up to \
                 date; do this in `handler.handle`"
            )));
        }
        match &mut self.activity {
            Activity::Handling(call) => Ok(call),
            other => Err(refused(other, function)),
        }
    }
}

/// Why `function` cannot be called now.
pub(crate) fn refused(activity: &Activity, function: &str) -> Refusal {
    let why = match activity {
        Activity::Handling(_) => "is not for handlers",
        Activity::Answering(_) => {
            "is refused in `query.answer`: a query only reads; do this in `handler.handle`"
        }
        Activity::Admitting => {
            "is refused in `gate.admit`: a gate is stateless; do this in `handler.handle`"
        }
        Activity::Checking => {
            "is refused in `checker.check`: a checker only decides; do this in `handler.handle`"
        }
        Activity::Idle => "is refused outside of a call, as while the component starts",
    };
    Refusal::Invalid(format!("`{function}` {why}"))
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Data {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.http_gate,
        }
    }
}
