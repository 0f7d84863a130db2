//! The host dies at each place of a scenario in turn: what is lost, doubled or repeated?

mod differ;
mod requests;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use self::differ::differences;
use self::requests::{IDEMPOTENCY_KEY, again, is_harmless, is_keyed, lost};
use crate::error::Error;
use crate::play::{Ended, Play};
use crate::report::subject;
use crate::shown::printable;
use crate::stage::Called;

/// Most places that are tried. Each takes a whole run.
const PLACES_MAX: usize = 10_000;

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
    /// Whether nothing was lost, doubled or repeated that must not be. Of a scenario without places
    /// nothing can be said: see [`Crashes::points`].
    #[must_use]
    pub fn are_harmless(&self) -> bool {
        self.findings.is_empty()
    }

    /// Adds what came of dying at a place.
    fn add(&mut self, point: Point, whole: &Ended, crashed: &Ended) {
        let mut what = differences(whole, crashed);
        what.extend(lost(whole, crashed));
        for (before, after) in again(whole, crashed) {
            let request = printable(&format!("{} {}", before.method, before.url));
            let is_keyed = is_keyed(before, after);
            let repeated = self.repeated.entry(request.clone()).or_default();
            repeated.times += 1;
            if !is_keyed {
                repeated.without_same_key += 1;
            }
            if !is_keyed && !is_harmless(before) {
                what.push(format!(
                    "repeated: {request}, without the same `{IDEMPOTENCY_KEY}` as before"
                ));
            }
        }
        self.points += 1;
        if !what.is_empty() {
            self.findings.push(Finding { point, what });
        }
    }
}

/// Plays the scenario once for each place. `progress` is told how many of how many are done.
pub(crate) async fn all(
    play: &Play<'_>,
    mut progress: impl FnMut(u64, u64),
) -> Result<Crashes, Error> {
    let whole = play.run(None, |_| ()).await?;
    steady(&whole, &play.run(None, |_| ()).await?)?;
    let places = whole.calls.iter().map(|it| it.seen.calls.len() + 2).sum();
    if places > PLACES_MAX {
        return Err(Error::ManyPlaces {
            places,
            places_max: PLACES_MAX,
        });
    }
    let mut crashes = Crashes::default();
    for (number, (called, before)) in self::places(&whole.calls).enumerate() {
        let number = number as u64;
        let crashed = play.run(Some(number), |_| ()).await?;
        let message = message(called);
        let point = Point {
            number,
            message,
            before,
        };
        crashes.add(point, &whole, &crashed);
        progress(crashes.points, places as u64);
    }
    Ok(crashes)
}

/// Two runs without a crash must come to the same end, or nothing can be told of those with one.
fn steady(one: &Ended, other: &Ended) -> Result<(), Error> {
    let mut found = differences(one, other);
    found.extend(lost(one, other));
    found.extend(lost(other, one));
    match found.into_iter().next() {
        Some(what) => Err(Error::Unsteady(what)),
        None => Ok(()),
    }
}

/// The places of a run in their order, as they are counted by [`crate::watch`].
fn places(calls: &[Called]) -> impl Iterator<Item = (&Called, String)> {
    calls.iter().flat_map(|called| {
        let calls = called.seen.calls.iter().enumerate();
        let calls = calls.map(|(index, call)| format!("host call {}, {call}", index + 1));
        let first = "it is called".to_owned();
        let last = "its commit is durable".to_owned();
        let all: Vec<_> = [first].into_iter().chain(calls).chain([last]).collect();
        all.into_iter().map(move |before| (called, before))
    })
}

/// The message of a call, for people.
fn message(called: &Called) -> String {
    let sent = &called.of.message;
    let message = subject(&sent.topic, sent.key.as_deref(), called.attempt);
    match called.of.subscription {
        Some(_) => message,
        None => format!("the checker's half message {message}"),
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
            let line = format!("CRASH while {message} was handled, before {before}");
            writeln!(f, "{}", printable(&line))?;
            let mut what = what.iter();
            what.try_for_each(|what| writeln!(f, "    {}", printable(what)))?;
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
            _ if self.points == 0 => write!(f, "nothing was tried, as no message was handled"),
            0 => write!(f, "nothing lost, nothing doubled"),
            count => write!(
                f,
                "{count} of them left something else than a run without a crash"
            ),
        }
    }
}
