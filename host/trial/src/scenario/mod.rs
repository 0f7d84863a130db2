//! Scenarios: what is sent and when, and what is to come of it. `docs/plugin-test.md` has the words
//! of the file.

mod body;
mod expect;
mod raw;
mod state;
mod step;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ::http::{HeaderName, HeaderValue, StatusCode};
use bytes::Bytes;
use wasmill_model::{Millis, Name, http, reserved};

pub(crate) use body::Body;
pub(crate) use expect::{
    Entry, Expectation, ExpectedAnswer, ExpectedLine, ExpectedMessage, ExpectedOutcome,
    ExpectedRequest, ExpectedTimer, OutcomeKind,
};

/// A scenario, as its file says.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The routes file, as the scenario names it: relative to the scenario's own file.
    pub routes: PathBuf,
    /// What is added to the text of that file, such as a topic that only the scenario sends to.
    pub routes_added: String,
    /// The time at which it begins.
    pub(crate) start: Millis,
    /// What keys' states hold then.
    pub(crate) states: Vec<State>,
    /// What answers outgoing HTTP all along.
    pub(crate) http: Vec<Answer>,
    pub(crate) steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The line of the file where it begins.
    pub(crate) line: usize,
    /// What it shows, in words.
    pub(crate) name: Option<String>,
    pub(crate) deed: Deed,
    /// What answers outgoing HTTP in this step, before what answers all along.
    pub(crate) http: Vec<Answer>,
    pub(crate) expect: Expectation,
}

/// What is done in a step.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// A message comes in.
    Send(Box<Send>),
    /// A request comes in on an ingress route.
    Request(Box<Request>),
    /// The plugin's query is asked about a key's state.
    Query(Box<Query>),
    /// Time goes by.
    Advance(Duration),
    /// The plugin's config has other values from here on.
    Config(BTreeMap<String, String>),
}

/// A message that comes in.
#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) topic: Name,
    pub(crate) key: Option<Name>,
    pub(crate) tag: Option<Name>,
    pub(crate) headers: Vec<(Name, Name)>,
    pub(crate) body: Bytes,
    pub(crate) delay: Option<Duration>,
}

/// A request that comes in.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// In upper case.
    pub(crate) method: String,
    /// Without the query string.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
}

/// A question about a key's state.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) key: Name,
    pub(crate) request: http::Request,
}

/// What a key's state holds at the start.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) key: Name,
    /// The version of its schema.
    pub(crate) version: u32,
    pub(crate) entries: BTreeMap<Name, Bytes>,
}

/// An answer for outgoing HTTP.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) method: String,
    /// Whole, or the beginning of one if it ends with `*`.
    pub(crate) url: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
}

impl State {
    /// Its entries as they are written, the version of its schema among them if it has one.
    pub(crate) fn writes(&self) -> Vec<(Name, Option<Bytes>)> {
        let entries = self.entries.iter();
        let entries = entries.map(|(name, value)| (name.clone(), Some(value.clone())));
        let version = Bytes::copy_from_slice(&self.version.to_be_bytes());
        let version = (self.version > 1).then(|| (reserved::SCHEMA.into(), Some(version)));
        entries.chain(version).collect()
    }
}

impl Answer {
    /// Whether it answers such a request.
    pub(crate) fn answers(&self, method: &str, url: &str) -> bool {
        let fits = match self.url.strip_suffix('*') {
            Some(prefix) => url.starts_with(prefix),
            None => url == self.url,
        };
        fits && method.eq_ignore_ascii_case(&self.method)
    }
}

/// What is wrong with a scenario, where, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct ScenarioError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The subject, what is wrong with it, and the remedy.
    pub what: String,
}

impl Scenario {
    /// Reads the text of a scenario.
    ///
    /// # Errors
    /// [`ScenarioError`] for the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let read = toml::from_str::<raw::File>(text);
        let read = read.map_err(|error| {
            let what = error.message().split_whitespace();
            raw::Wrong {
                at: error.span().unwrap_or_default().start,
                what: what.collect::<Vec<_>>().join(" "),
            }
        });
        let line = |at: usize| position(text, at).0;
        let scenario = read.and_then(|file| step::scenario(file, line));
        scenario.map_err(|raw::Wrong { at, what }| {
            let (line, column) = position(text, at);
            ScenarioError { line, column, what }
        })
    }
}

/// The line and the column of a byte offset.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at)];
    let start = before.rfind('\n').map_or(0, |it| it + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests;
