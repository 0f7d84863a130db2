//! The host dies at each place of a scenario in turn: what is lost, doubled or repeated?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use wasmill_model::effects::Scope;
use wasmill_model::{Name, reserved};

use crate::compare::shown_sent;
use crate::error::Error;
use crate::ledger::{Ledger, Sent};
use crate::play::{Ended, Play};
use crate::report::subject;
use crate::shown::{shown, time};
use crate::stage::Handling;
use crate::watch::Exchange;

/// The header by which a server tells that a request came before.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Methods whose requests may come any number of times.
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// What came of dying at each place of a scenario.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Crashes {
    /// At how many places the host died.
    pub points: u64,
    /// The places after which all was not well.
    pub findings: Vec<Finding>,
    /// Requests that were repeated, by what they are.
    pub repeated: BTreeMap<String, Repeated>,
}

/// A place after which something was lost, doubled or repeated.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Where the host died.
    pub point: Point,
    /// What was not as without a crash.
    pub what: Vec<String>,
}

/// A place at which the host dies.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Its number, from 0.
    pub number: u64,
    /// The message that was handled.
    pub message: String,
    /// What the handler was about to do.
    pub before: String,
}

/// A request to others that was made again after a crash.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Repeated {
    /// After how many crashes.
    pub times: u64,
    /// After how many of them without the same `idempotency-key` as before.
    pub without_same_key: u64,
}

impl Crashes {
    /// Whether nothing was lost, doubled or repeated that must not be.
    #[must_use]
    pub fn are_harmless(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Plays the scenario once for each place.
pub(crate) async fn all(play: &Play<'_>) -> Result<Crashes, Error> {
    let whole = play.run(None, |_| ()).await?;
    steady(&whole, &play.run(None, |_| ()).await?)?;
    let mut crashes = Crashes::default();
    for (number, (handling, before)) in places(&whole.handlings).enumerate() {
        let number = number as u64;
        let crashed = play.run(Some(number), |_| ()).await?;
        let mut what = differences(&whole, &crashed);
        crashes.repeats(&crashed, &mut what);
        if !what.is_empty() {
            let point = Point {
                number,
                message: subject(
                    &handling.message.topic,
                    handling.message.key.as_deref(),
                    handling.attempt,
                ),
                before,
            };
            crashes.findings.push(Finding { point, what });
        }
        crashes.points += 1;
    }
    Ok(crashes)
}

/// Two runs without a crash must come to the same end, or nothing can be told of those with one.
fn steady(one: &Ended, other: &Ended) -> Result<(), Error> {
    match differences(one, other).into_iter().next() {
        Some(what) => Err(Error::Unsteady(what)),
        None => Ok(()),
    }
}

/// The places of a run in their order, as they are counted by [`crate::watch`].
fn places(handlings: &[Handling]) -> impl Iterator<Item = (&Handling, String)> {
    handlings.iter().flat_map(|handling| {
        let calls = handling.seen.calls.iter().enumerate();
        let calls = calls.map(|(index, call)| format!("host call {}, {call}", index + 1));
        let first = "it is called".to_owned();
        let last = "its commit is durable".to_owned();
        let all: Vec<_> = [first].into_iter().chain(calls).chain([last]).collect();
        all.into_iter().map(move |before| (handling, before))
    })
}

impl Crashes {
    /// Looks for requests that the call cut short had made, and that were made again.
    fn repeats(&mut self, crashed: &Ended, what: &mut Vec<String>) {
        let Some(death) = &crashed.death else {
            return;
        };
        let of_same = |it: &&Handling| {
            it.message.id == death.message && it.subscription == death.subscription
        };
        let again = crashed.handlings[death.after..].iter().find(of_same);
        let mut again: Vec<&Exchange> =
            again.map_or_else(Vec::new, |it| it.seen.requests.iter().collect());
        for before in &death.seen.requests {
            let same = |it: &&Exchange| it.method == before.method && it.url == before.url;
            let Some(index) = again.iter().position(same) else {
                continue;
            };
            let after = again.remove(index);
            let key = before.header(IDEMPOTENCY_KEY);
            let keyed = key.is_some() && key == after.header(IDEMPOTENCY_KEY);
            let request = format!("{} {}", before.method, before.url);
            let repeated = self.repeated.entry(request.clone()).or_default();
            repeated.times += 1;
            if !keyed {
                repeated.without_same_key += 1;
            }
            if !keyed && !SAFE.contains(&before.method.as_str()) {
                what.push(format!(
                    "repeated: {request}, without the same `{IDEMPOTENCY_KEY}` as before"
                ));
            }
        }
    }
}

/// What of a run is not as in the run `whole`.
fn differences(whole: &Ended, run: &Ended) -> Vec<String> {
    let mut found = Vec::new();
    let (whole_ledger, ledger) = (&whole.ledger, &run.ledger);
    sends(&whole_ledger.sent, &ledger.sent, &mut found);
    compare("timer", &timers(whole_ledger), &timers(ledger), &mut found);
    compare(
        "dead letter",
        &dead(whole_ledger),
        &dead(ledger),
        &mut found,
    );
    compare(
        "half message",
        &halves(whole_ledger),
        &halves(ledger),
        &mut found,
    );
    states(whole_ledger, ledger, &mut found);
    let paths: BTreeSet<&PathBuf> = whole.files.keys().chain(run.files.keys()).collect();
    for path in paths {
        if whole.files.get(path) != run.files.get(path) {
            found.push(format!("file {} is not as without a crash", path.display()));
        }
    }
    found
}

/// Messages by topic and key: their order counts there.
fn sends(whole: &[Sent], run: &[Sent], found: &mut Vec<String>) {
    let before = found.len();
    let counted = |all: &[Sent]| {
        let mut counts = BTreeMap::<String, u64>::new();
        for sent in all {
            *counts.entry(told(sent)).or_default() += 1;
        }
        counts
    };
    compare("message", &counted(whole), &counted(run), found);
    if found.len() > before {
        return;
    }
    let in_order = |all: &[Sent]| {
        let mut orders = BTreeMap::<(Name, Option<Name>), Vec<Sent>>::new();
        for sent in all {
            let place = (sent.topic.clone(), sent.key.clone());
            orders.entry(place).or_default().push(sent.clone());
        }
        orders
    };
    let (whole, run) = (in_order(whole), in_order(run));
    for ((topic, key), order) in &whole {
        if run.get(&(topic.clone(), key.clone())) != Some(order) {
            let subject = subject(topic, key.as_deref(), 1);
            found.push(format!("reordered: messages to {subject}"));
        }
    }
}

fn told(sent: &Sent) -> String {
    let mut text = shown_sent(sent);
    for (name, value) in &sent.headers {
        text += &format!(" {name}: {value}");
    }
    if let Some(tag) = &sent.tag {
        text += &format!(" tag {tag}");
    }
    if let Some(delay) = sent.delay {
        text += &format!(" in {}", crate::shown::span(delay));
    }
    text
}

fn timers(of: &Ledger) -> BTreeMap<String, u64> {
    let pending = of.delayed.values().map(|it| {
        let name = it.message.timer.as_deref().unwrap_or("(a delayed message)");
        let subject = subject(&it.message.topic, it.message.key.as_deref(), 1);
        let body = shown(&it.message.body);
        format!("{name}, {subject} {body}, due {}", time(it.due))
    });
    count(pending)
}

fn dead(of: &Ledger) -> BTreeMap<String, u64> {
    let letters = of.dead.iter().map(|it| {
        let subject = subject(&it.message.topic, it.key.as_deref(), 1);
        let (body, cause) = (shown(&it.message.body), shown(it.cause.as_bytes()));
        format!("{subject} {body}, {cause}")
    });
    count(letters)
}

fn halves(of: &Ledger) -> BTreeMap<String, u64> {
    count(of.halves.values().map(|(topic, _)| format!("to {topic}")))
}

fn count(all: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for one in all {
        *counts.entry(one).or_default() += 1;
    }
    counts
}

/// What there is more or less of than without a crash.
fn compare(
    what: &str,
    whole: &BTreeMap<String, u64>,
    run: &BTreeMap<String, u64>,
    found: &mut Vec<String>,
) {
    let all: BTreeSet<&String> = whole.keys().chain(run.keys()).collect();
    for one in all {
        let [expected, actual] = [whole, run].map(|of| of.get(one).copied().unwrap_or(0));
        match (expected, actual) {
            (expected, actual) if expected == actual => {}
            (0, _) => found.push(format!("new: {what} {one}")),
            (expected, actual) if actual < expected => found.push(format!("lost: {what} {one}")),
            _ => found.push(format!("doubled: {what} {one}")),
        }
    }
}

/// Entries of states, but for those that other lists tell of.
fn states(whole: &Ledger, run: &Ledger, found: &mut Vec<String>) {
    let scopes: BTreeSet<&Scope> = whole.states.keys().chain(run.states.keys()).collect();
    for scope in scopes {
        let (expected, actual) = (whole.states.get(scope), run.states.get(scope));
        let names = |of: Option<&BTreeMap<Name, _>>| -> Vec<Name> {
            of.map_or_else(Vec::new, |it| it.keys().cloned().collect())
        };
        let all: BTreeSet<Name> = names(expected).into_iter().chain(names(actual)).collect();
        for name in all {
            let [expected, actual] = [expected, actual].map(|of| of.and_then(|it| it.get(&name)));
            let entry = match reserved::entry(&name) {
                None => format!("entry `{name}`"),
                Some(reserved::Entry::Claim(id)) => format!("claim of `{id}`"),
                Some(_) => continue,
            };
            if expected == actual {
                continue;
            }
            let told = |it: Option<&bytes::Bytes>| match (it, reserved::entry(&name)) {
                (None, _) => "absent".to_owned(),
                (Some(_), Some(_)) => "there".to_owned(),
                (Some(value), None) => shown(value),
            };
            found.push(format!(
                "state of key {}: {entry} is {} instead of {}",
                shown(scope.key.as_bytes()),
                told(actual),
                told(expected)
            ));
        }
    }
}

/// Most findings that are told one by one.
const FINDINGS_MAX: usize = 20;

impl fmt::Display for Crashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { point, what } in self.findings.iter().take(FINDINGS_MAX) {
            let Point {
                message, before, ..
            } = point;
            writeln!(f, "CRASH while {message} was handled, before {before}")?;
            what.iter().try_for_each(|what| writeln!(f, "    {what}"))?;
        }
        if let Some(more) = self.findings.len().checked_sub(FINDINGS_MAX + 1) {
            writeln!(f, "and {} crashes more", more + 1)?;
        }
        for (request, repeated) in &self.repeated {
            let Repeated {
                times,
                without_same_key,
            } = repeated;
            writeln!(
                f,
                "repeated after {times} crashes: {request}, {without_same_key} times without the \
                 same `{IDEMPOTENCY_KEY}`"
            )?;
        }
        write!(f, "the host died at {} places: ", self.points)?;
        match self.findings.len() {
            0 => write!(f, "nothing lost, nothing doubled"),
            count => write!(
                f,
                "{count} of them left something else than a run without a crash"
            ),
        }
    }
}
