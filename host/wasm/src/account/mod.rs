//! What each version of a plugin uses. A call adds to its version's counters: no lock, no look-up.

mod bill;
mod times;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmill_model::Name;
use wasmill_model::record::{CodeVersion, Used};
use wasmill_port::account::{Account, Calls};
use wasmill_port::plugins::Handled;

pub(crate) use bill::Bill;
pub(crate) use times::Times;

/// Versions of a plugin whose accounts are told, besides those that are in use.
const VERSIONS_MAX: usize = 4;

/// What the host calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Export {
    Handler,
    Gate,
    Query,
    Checker,
    /// The handler, with a message of which nothing is to come.
    Preview,
}

impl Export {
    /// As metrics call it.
    pub(crate) fn name(self) -> &'static str {
        EXPORTS[self as usize]
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Ok,
    Retry,
    Reject,
    Fault,
}

const EXPORTS: [&str; 5] = ["handler", "gate", "query", "checker", "preview"];
const OUTCOMES: [&str; 4] = ["ok", "retry", "reject", "fault"];

/// The account of one version. Its numbers only grow, and each is right by itself; read together
/// they may be a call apart.
#[derive(Default)]
pub(crate) struct Meter {
    calls: [[AtomicU64; OUTCOMES.len()]; EXPORTS.len()],
    fuel: AtomicU64,
    memory_bytes_max: AtomicU64,
    host_calls: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    handler_times: Times,
    handler_us: AtomicU64,
    /// Of the other exports.
    other_us: AtomicU64,
}

impl Meter {
    /// Adds a call.
    pub(crate) fn add(&self, export: Export, ended: Ended, took: Duration, bill: &Bill) {
        let micros = micros(took);
        add(&self.calls[export as usize][ended as usize], 1);
        add(&self.fuel, bill.fuel);
        add(&self.host_calls, u64::from(bill.host_calls));
        if self.memory_bytes_max.load(Ordering::Relaxed) < bill.memory_bytes {
            let most = &self.memory_bytes_max;
            most.fetch_max(bill.memory_bytes, Ordering::Relaxed);
        }
        if export == Export::Handler {
            self.handler_times.observe(micros);
            add(&self.handler_us, micros);
        } else {
            add(&self.other_us, micros);
        }
    }

    /// Adds what a message brought and what its handler sent and wrote.
    pub(crate) fn add_bytes(&self, used: &Used) {
        add(&self.bytes_in, used.bytes_in);
        add(&self.bytes_out, used.bytes_out);
    }

    /// What became of the messages that the handler was called with.
    pub(crate) fn handled(&self) -> Handled {
        let counts = &self.calls[Export::Handler as usize];
        let count = |ended: Ended| counts[ended as usize].load(Ordering::Relaxed);
        let failed = [Ended::Retry, Ended::Reject, Ended::Fault]
            .map(count)
            .iter()
            .sum();
        Handled {
            calls: count(Ended::Ok) + failed,
            failed,
        }
    }

    fn account(&self, plugin: &Name, version: CodeVersion) -> Account {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let handler_us = read(&self.handler_us);
        let calls = EXPORTS
            .iter()
            .zip(&self.calls)
            .flat_map(|(export, counts)| {
                let outcomes = OUTCOMES.iter().zip(counts);
                outcomes.map(|(outcome, count)| Calls {
                    export,
                    outcome,
                    count: read(count),
                })
            });
        Account {
            plugin: plugin.clone(),
            version,
            calls: calls.filter(|calls| calls.count > 0).collect(),
            fuel: read(&self.fuel),
            busy: Duration::from_micros(handler_us + read(&self.other_us)),
            memory_bytes_max: read(&self.memory_bytes_max),
            host_calls: read(&self.host_calls),
            bytes_in: read(&self.bytes_in),
            bytes_out: read(&self.bytes_out),
            handler_seconds: self.handler_times.buckets(),
            handler_busy: Duration::from_micros(handler_us),
        }
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").finish_non_exhaustive()
    }
}

/// Adds to a counter that other threads add to as well: not for nothing.
fn add(counter: &AtomicU64, count: u64) {
    if count > 0 {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The meters of each plugin's versions, the one that was loaded last at the end.
type ByPlugin = HashMap<Name, Vec<(CodeVersion, Arc<Meter>)>>;

/// The meters of all plugins. A version that comes back goes on with its own.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    // Taken when a version is loaded and when accounts are told, never by a call.
    plugins: Mutex<ByPlugin>,
}

impl Meters {
    /// The meter of a version. The oldest ones that nobody uses are forgotten.
    pub(crate) fn of(&self, plugin: &Name, version: CodeVersion) -> Arc<Meter> {
        let mut plugins = self.plugins();
        let meters = plugins.entry(plugin.clone()).or_default();
        let found = meters.iter().position(|(it, _)| *it == version);
        let meter = found.map_or_else(Arc::default, |at| meters.remove(at).1);
        meters.push((version, meter.clone()));
        let is_idle = |(_, meter): &(_, Arc<Meter>)| Arc::strong_count(meter) == 1;
        let mut surplus =
            (meters.iter().filter(|it| is_idle(it)).count() + 1).saturating_sub(VERSIONS_MAX);
        meters.retain(|it| {
            let goes = surplus > 0 && is_idle(it);
            surplus -= usize::from(goes);
            !goes
        });
        meter
    }

    /// Forgets a plugin that was removed.
    pub(crate) fn forget(&self, plugin: &Name) {
        self.plugins().remove(plugin);
    }

    /// The accounts of all versions that were called.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        let plugins = self.plugins();
        let all = plugins.iter().flat_map(|(plugin, meters)| {
            let meters = meters.iter();
            meters.map(|(version, meter)| meter.account(plugin, *version))
        });
        all.filter(|account| !account.calls.is_empty()).collect()
    }

    fn plugins(&self) -> MutexGuard<'_, ByPlugin> {
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(nth: u64) -> CodeVersion {
        CodeVersion::of_hash(&format!("{nth:012x}"))
    }

    fn call(meter: &Meter) {
        let bill = Bill {
            fuel: 5,
            host_calls: 2,
            memory_bytes: 100,
            memory_grown_bytes: 0,
        };
        meter.add(Export::Handler, Ended::Ok, Duration::from_micros(30), &bill);
    }

    #[test]
    fn old_versions_are_forgotten_but_none_in_use_is() {
        let (meters, plugin) = (Meters::default(), Name::from("p"));
        let serving = meters.of(&plugin, version(0));
        call(&serving);
        for nth in 1..20 {
            call(&meters.of(&plugin, version(nth)));
        }
        let told: Vec<_> = meters.accounts().iter().map(|it| it.version).collect();
        assert_eq!(told, [0, 16, 17, 18, 19].map(version));
    }

    #[test]
    fn whatever_is_not_ok_is_a_failure_of_the_handler() {
        let meter = Meter::default();
        call(&meter);
        let (took, bill) = (Duration::ZERO, Bill::default());
        for ended in [Ended::Retry, Ended::Reject, Ended::Fault] {
            meter.add(Export::Handler, ended, took, &bill);
            meter.add(Export::Gate, ended, took, &bill);
            meter.add(Export::Preview, ended, took, &bill);
        }
        let handled = meter.handled();
        assert_eq!((handled.calls, handled.failed), (4, 3));
    }

    #[test]
    fn a_version_that_comes_back_goes_on_counting() {
        let (meters, plugin) = (Meters::default(), Name::from("p"));
        call(&meters.of(&plugin, version(1)));
        call(&meters.of(&plugin, version(2)));
        call(&meters.of(&plugin, version(1)));
        let accounts = meters.accounts();
        let fuel: Vec<_> = accounts.iter().map(|it| (it.version, it.fuel)).collect();
        assert_eq!(fuel, [(version(2), 5), (version(1), 10)]);
        meters.forget(&plugin);
        assert!(meters.accounts().is_empty());
    }
}
