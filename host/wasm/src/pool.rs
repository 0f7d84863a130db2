//! A version in service under its settings: its instances, idle and in use.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::half::{Decision, Half};
use wasmill_model::http;
use wasmill_model::record::Called;
use wasmill_model::routes::{Isolation, PluginSettings};
use wasmill_port::guest::Error;
use wasmill_port::{Call, Run, ScopeState};

use crate::component::Version;
use crate::deadline::after;
use crate::fault::Fault;
use crate::instance::Instance;
use crate::registry::{Host, IdleInstance};
use crate::wasi::{GrantedHost, HttpGate};

/// Handlers of one plugin at once, so that one that waits for a slow server leaves instances to
/// the others.
const HANDLERS_MAX: usize = 2_048;
/// Instances of one plugin that are kept for reuse.
const IDLE_MAX: usize = 64;

/// A version in service. Replaced as a whole when the version or its settings change; calls in
/// flight end on the one that they began with.
pub(crate) struct Serving {
    pub(crate) version: Arc<Version>,
    pub(crate) settings: Arc<PluginSettings>,
    host: Arc<Host>,
    granted_hosts: Arc<[GrantedHost]>,
    handlers: Semaphore,
    // Held only to push or pop. None once the version has been replaced.
    idle: Mutex<Option<Vec<Idle>>>,
}

struct Idle {
    instance: Instance,
    _room: OwnedSemaphorePermit,
}

impl Serving {
    pub(crate) fn new(
        host: Arc<Host>,
        version: Arc<Version>,
        settings: Arc<PluginSettings>,
    ) -> Self {
        let granted_hosts = granted_hosts(&version, &settings);
        Self {
            version,
            settings,
            host,
            granted_hosts,
            handlers: Semaphore::new(HANDLERS_MAX),
            idle: Mutex::new(Some(Vec::new())),
        }
    }

    /// Handles a run's messages in one instance, until one fails or the run's time is up.
    pub(crate) async fn handle(&self, run: &mut Run) {
        let _handler = acquire(&self.handlers).await;
        let _call = acquire(&self.host.calls).await;
        let began = Instant::now();
        let mut now = began;
        let mut instance = self.take();
        while let Some(call) = run.begin() {
            let (call, result, fuel) = self.handle_one(&mut instance, call, now).await;
            let ended = Instant::now();
            let called = Called {
                version: self.version.code,
                duration_us: (ended - now).as_micros() as u64,
                fuel,
            };
            let go_on = run.end(call, result, Some(called));
            now = ended;
            if !go_on || now - began >= run.time_max {
                break;
            }
        }
        if let Some(instance) = instance {
            self.give_back(instance);
        }
    }

    /// Asks the gate about a request.
    pub(crate) async fn admit(
        &self,
        request: &http::Request,
    ) -> Result<Result<http::Accepted, http::Problem>, Error> {
        self.require(self.version.exports.gate.is_some(), "gate")?;
        let _call = acquire(&self.host.calls).await;
        let deadline = after(Instant::now(), self.settings.limits.deadline);
        let mut instance = self
            .instance(deadline)
            .await
            .map_err(|fault| self.failed(fault))?;
        let answer = instance
            .admit(request, &self.settings.limits, deadline)
            .await;
        let answer = answer.map_err(|fault| self.failed(fault))?;
        self.give_back(instance);
        Ok(answer)
    }

    /// Asks the query about the state of a key.
    pub(crate) async fn answer(
        &self,
        state: ScopeState,
        request: &http::Request,
    ) -> Result<http::Response, Error> {
        self.require(self.version.exports.query.is_some(), "query")?;
        let _call = acquire(&self.host.calls).await;
        let deadline = after(Instant::now(), self.settings.limits.deadline);
        let mut instance = self
            .instance(deadline)
            .await
            .map_err(|fault| self.failed(fault))?;
        let answer = instance
            .answer(state, request, &self.settings.limits, deadline)
            .await;
        let answer = answer.map_err(|fault| self.failed(fault))?;
        self.give_back(instance);
        Ok(answer)
    }

    /// Asks the checker about a half message; a text if it does not know.
    pub(crate) async fn check(&self, half: &Half) -> Result<Result<Decision, String>, Error> {
        self.require(self.version.exports.checker.is_some(), "checker")?;
        let _call = acquire(&self.host.calls).await;
        let deadline = after(Instant::now(), self.settings.limits.deadline);
        let instance = self.instance(deadline).await;
        let mut instance = instance.map_err(|fault| self.failed(fault))?;
        let verdict = instance.check(half, &self.settings.limits, deadline).await;
        let verdict = verdict.map_err(|fault| self.failed(fault))?;
        self.give_back(instance);
        Ok(verdict)
    }

    /// A fresh instance, to see whether the version starts.
    pub(crate) async fn start(&self, deadline: Instant) -> Result<Instance, Fault> {
        let client = self.host.surroundings.http.clone();
        let gate = HttpGate::new(self.granted_hosts.clone(), client);
        Instance::start(&self.host, &self.version, &self.settings, gate, deadline).await
    }

    /// Keeps an instance for the next call, if there is room and it is still good.
    pub(crate) fn give_back(&self, instance: Instance) {
        if !self.is_reusable(&instance) {
            return;
        }
        let Ok(room) = self.host.idle.clone().try_acquire_owned() else {
            return;
        };
        let mut idle = self.idle();
        if let Some(idle) = &mut *idle
            && idle.len() < IDLE_MAX
        {
            idle.push(Idle {
                instance,
                _room: room,
            });
        }
    }

    /// What is known of the instances that wait for their next call.
    pub(crate) fn idle_instances(&self) -> Vec<IdleInstance> {
        let describe = |Idle { instance, .. }: &Idle| IdleInstance {
            calls: instance.calls(),
            memory_bytes: instance.memory_bytes(),
        };
        let idle = self.idle();
        idle.iter().flatten().map(describe).collect()
    }

    /// Drops the idle instances, and those in use as they come back.
    pub(crate) fn retire(&self) {
        let idle = self.idle().take();
        drop(idle);
    }

    async fn handle_one(
        &self,
        slot: &mut Option<Instance>,
        call: Call,
        now: Instant,
    ) -> (Call, Result<(), Failure>, u64) {
        let limits = &self.settings.limits;
        let deadline = after(now, limits.deadline);
        if self.version.exports.handler.is_none() {
            let cause = format!("plugin `{}` exports no `handler`", self.version.plugin);
            return (
                call,
                Err(Failure {
                    kind: FailureKind::Retry,
                    cause,
                }),
                0,
            );
        }
        let mut instance = match slot.take() {
            Some(instance) => instance,
            None => match self.start(deadline).await {
                Ok(instance) => instance,
                Err(fault) => return (call, Err(retry(fault)), 0),
            },
        };
        let (call, answer, fuel) = instance.handle(call, limits, deadline).await;
        match answer {
            Ok(result) => {
                *slot = self.is_reusable(&instance).then_some(instance);
                (call, result, fuel)
            }
            Err(fault) => (call, Err(retry(fault)), fuel),
        }
    }

    fn is_reusable(&self, instance: &Instance) -> bool {
        self.settings.isolation == Isolation::Pooled
            && instance.calls() < self.host.calls_per_instance_max
    }

    async fn instance(&self, deadline: Instant) -> Result<Instance, Fault> {
        match self.take() {
            Some(instance) => Ok(instance),
            None => self.start(deadline).await,
        }
    }

    fn take(&self) -> Option<Instance> {
        let idle = self.idle().as_mut()?.pop()?;
        Some(idle.instance)
    }

    fn require(&self, exported: bool, export: &'static str) -> Result<(), Error> {
        if exported {
            return Ok(());
        }
        Err(Error::NoExport {
            plugin: self.version.plugin.clone(),
            export,
        })
    }

    fn failed(&self, fault: Fault) -> Error {
        Error::Failed {
            plugin: self.version.plugin.clone(),
            cause: fault.0,
        }
    }

    fn idle(&self) -> MutexGuard<'_, Option<Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn acquire(semaphore: &Semaphore) -> SemaphorePermit<'_> {
    semaphore
        .acquire()
        .await
        .expect("the semaphore is never closed")
}

fn retry(fault: Fault) -> Failure {
    Failure {
        kind: FailureKind::Retry,
        cause: fault.0,
    }
}

/// The hosts granted; what does not read as one grants nothing.
fn granted_hosts(version: &Version, settings: &PluginSettings) -> Arc<[GrantedHost]> {
    let parse = |text: &String| {
        let host = GrantedHost::parse(text);
        if host.is_none() {
            tracing::warn!(
                plugin = %version.plugin,
                "the grant of HTTP to {text:?} is no `host` or `host:port`, and grants nothing"
            );
        }
        host
    };
    settings.grants.http.iter().filter_map(parse).collect()
}
