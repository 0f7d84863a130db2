//! A version in service under its settings: its instances, idle and in use.

mod asking;
mod idle;
mod rehearsal;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use wasmill_model::effects::{FailureKind, Metered};
use wasmill_model::record::Called;
use wasmill_model::routes::{Grants, Isolation, PluginSettings};
use wasmill_port::{Call, Run};

use crate::account::{Bill, Ended, Export};
use crate::candidate::Candidate;
use crate::component::Version;
use crate::deadline::after;
use crate::fault::Fault;
use crate::handled::{Failed, Handled, Slots};
use crate::instance::{Instance, Outside, Unstarted};
use crate::log::PluginLog;
use crate::registry::{Host, IdleInstance};
use crate::share::{Own, acquire};
use crate::wasi::{HttpGate, Outgoing, Tape};
use idle::Idle;

/// A version in service. Replaced as a whole when the version or its settings change; calls in
/// flight end on the one that they began with.
pub(crate) struct Serving {
    pub(crate) version: Arc<Version>,
    /// As the routes have them.
    pub(crate) settings: Arc<PluginSettings>,
    /// With what it has of the grants: what the version asks for, if it says so.
    narrowed: Arc<PluginSettings>,
    host: Arc<Host>,
    /// The version's log, without the secrets of the settings.
    log: Arc<PluginLog>,
    outgoing: Arc<Outgoing>,
    /// What answers an instance's HTTP while it starts.
    start_tape: Tape,
    /// What the plugin may have at once.
    own: Arc<Own>,
    /// As what calls of the handler are counted.
    handler: Export,
    idle: Idle,
}

impl Serving {
    /// One that has what it is granted.
    pub(crate) fn new(
        host: Arc<Host>,
        version: Arc<Version>,
        settings: Arc<PluginSettings>,
    ) -> Self {
        let narrowed = version.narrowed(&settings);
        let log = version.log.masking(&settings.grants.secrets);
        Self::with(host, version, settings, narrowed, log)
    }

    /// One of which nothing reaches the outside of the host, whatever is granted: it has no files, and
    /// its HTTP is refused, unless a tape plays to it. Its lines in the log are marked with `role`.
    pub(crate) fn inside(
        host: Arc<Host>,
        version: Arc<Version>,
        settings: Arc<PluginSettings>,
        role: &'static str,
    ) -> Self {
        let narrowed = version.narrowed(&settings);
        let narrowed = Arc::new(PluginSettings {
            grants: Grants {
                files: false,
                http: Vec::new(),
                ..narrowed.grants.clone()
            },
            ..PluginSettings::clone(&narrowed)
        });
        let log = version.log.masking(&settings.grants.secrets).marked(role);
        Self {
            // Refused without a word: that it is not granted would be no news to anybody.
            start_tape: Tape::closed(),
            ..Self::with(host, version, settings, narrowed, log)
        }
    }

    /// One whose calls are for show: they are none of the handler's that anything came of.
    pub(crate) fn preview(
        host: Arc<Host>,
        version: Arc<Version>,
        settings: Arc<PluginSettings>,
    ) -> Self {
        let handler = Export::Preview;
        Self {
            handler,
            ..Self::inside(host, version, settings, handler.name())
        }
    }

    fn with(
        host: Arc<Host>,
        version: Arc<Version>,
        settings: Arc<PluginSettings>,
        narrowed: Arc<PluginSettings>,
        log: PluginLog,
    ) -> Self {
        let (plugin, grants, log) = (&version.plugin, &narrowed.grants, Arc::new(log));
        let own = host.owns.of(plugin, &settings);
        let metrics = host.metrics.clone();
        let outgoing = Outgoing::new(plugin, grants, own.clone(), log.clone(), metrics);
        Self {
            version,
            settings,
            narrowed,
            host,
            log,
            outgoing: Arc::new(outgoing),
            start_tape: Tape::Off,
            own,
            handler: Export::Handler,
            idle: Idle::default(),
        }
    }

    /// Handles a run's messages in one instance, until one fails or the run's time is up; with a
    /// version on trial beside this one, if there is any.
    pub(crate) async fn handle(&self, run: &mut Run, candidate: Option<&Candidate>) {
        let _handler = acquire(&self.own.handlers).await;
        let _call = self.host.calls.enter(&self.own.calls).await;
        self.in_turn(pin!(self.handle_in_turn(run, candidate)))
            .await;
    }

    async fn handle_in_turn(&self, run: &mut Run, candidate: Option<&Candidate>) {
        let began = Instant::now();
        let mut now = began;
        let mut slots = Slots::default();
        while let Some(call) = run.begin() {
            let (go_on, ended) = match candidate {
                None => self
                    .handle_one(&mut slots.running, call, now)
                    .await
                    .end(run),
                // Boxed: runs without a candidate, which are nearly all, have no room for one.
                Some(candidate) => {
                    Box::pin(candidate.handle(self, &mut slots, run, call, now)).await
                }
            };
            now = ended;
            if !go_on || now - began >= run.time_max {
                break;
            }
        }
        if let Some(instance) = slots.running {
            self.give_back(instance);
        }
        if let Some(lent) = slots.candidate {
            lent.give_back();
        }
    }

    /// Has an instance handle one message within the limits of a call that begins now.
    pub(crate) async fn handle_one(
        &self,
        slot: &mut Option<Instance>,
        call: Box<Call>,
        now: Instant,
    ) -> Handled {
        let deadline = after(now, self.settings.limits.deadline);
        self.handle_until(slot, call, Tape::Off, now, deadline)
            .await
    }

    /// Has an instance handle one message until `deadline`, and counts the call.
    pub(crate) async fn handle_until(
        &self,
        slot: &mut Option<Instance>,
        call: Box<Call>,
        tape: Tape,
        now: Instant,
        deadline: Instant,
    ) -> Handled {
        let (call, result, bill) = self.call(slot, call, tape, deadline).await;
        if let Err(failed) = &result {
            self.log.failed(&call, failed);
        }
        let ended = Instant::now();
        let metered = bill.map(|bill| self.metered(&call, &result, ended - now, &bill));
        Handled {
            call,
            result,
            metered,
            ended,
            cold: slot.as_ref().is_some_and(|it| it.calls() == 1),
        }
    }

    /// Runs what computes, by the plugin's share.
    pub(crate) async fn in_turn<T>(&self, work: Pin<&mut impl Future<Output = T>>) -> T {
        let turns = &self.host.turns;
        turns
            .take(&self.version.plugin, self.settings.share, work)
            .await
    }

    /// A fresh instance, to see whether the version starts: by the plugin's share, within the limits of
    /// a call.
    pub(crate) async fn try_start(&self) -> Result<Instance, Unstarted> {
        let deadline = after(Instant::now(), self.settings.limits.deadline);
        self.in_turn(pin!(self.start(deadline))).await
    }

    async fn start(&self, deadline: Instant) -> Result<Instance, Unstarted> {
        let client = self.host.surroundings.http.clone();
        let outside = Outside {
            log: self.log.clone(),
            http_gate: HttpGate::new(self.outgoing.clone(), client, self.start_tape.clone()),
        };
        Instance::start(&self.host, &self.version, &self.narrowed, outside, deadline).await
    }

    /// Keeps an instance for the next call, if there is room and it is still good.
    pub(crate) fn give_back(&self, instance: Instance) {
        if !self.is_reusable(&instance) {
            return;
        }
        let Ok(room) = self.host.idle.clone().try_acquire_owned() else {
            return;
        };
        self.idle.push(instance, room);
    }

    /// What is known of the instances that wait for their next call.
    pub(crate) fn idle_instances(&self) -> Vec<IdleInstance> {
        self.idle.describe()
    }

    /// Drops the idle instances, and those in use as they come back.
    pub(crate) fn retire(&self) {
        self.idle.end();
    }

    /// Calls the handler. There is no bill if it did not come to that.
    async fn call(
        &self,
        slot: &mut Option<Instance>,
        call: Box<Call>,
        tape: Tape,
        deadline: Instant,
    ) -> (Box<Call>, Result<(), Failed>, Option<Bill>) {
        let limits = &self.settings.limits;
        if !self.version.exports.handles() {
            let cause = format!("plugin `{}` exports no `handler`", self.version.plugin);
            return (call, Err(Failed::Fault(Fault(cause))), None);
        }
        let mut instance = match slot.take().or_else(|| self.idle.pop()) {
            Some(instance) => instance,
            None => match self.start(deadline).await {
                Ok(instance) => instance,
                Err(Unstarted { fault, bill }) => {
                    return (call, Err(Failed::Fault(fault)), Some(bill));
                }
            },
        };
        let (call, answer) = instance.handle(call, tape, limits, deadline).await;
        let bill = Some(instance.bill(limits));
        match answer {
            Ok(result) => {
                *slot = self.is_reusable(&instance).then_some(instance);
                (call, result.map_err(Failed::Asked), bill)
            }
            Err(fault) => (call, Err(Failed::Fault(fault)), bill),
        }
    }

    fn is_reusable(&self, instance: &Instance) -> bool {
        self.settings.isolation == Isolation::Pooled
            && instance.calls() < self.host.calls_per_instance_max
    }

    /// Counts a call of the handler; returns what its record tells.
    fn metered(
        &self,
        call: &Call,
        result: &Result<(), Failed>,
        took: Duration,
        bill: &Bill,
    ) -> Metered {
        let ended = match result {
            Ok(()) => Ended::Ok,
            Err(Failed::Asked(failure)) if failure.kind == FailureKind::Reject => Ended::Reject,
            Err(Failed::Asked(_)) => Ended::Retry,
            Err(Failed::Fault(_)) => Ended::Fault,
        };
        let used = bill.used(call);
        self.version.meter.add(self.handler, ended, took, bill);
        self.version.meter.add_bytes(&used);
        let called = Called {
            version: self.version.code,
            duration_us: took.as_micros() as u64,
            fuel: bill.fuel,
        };
        Metered { called, used }
    }
}
