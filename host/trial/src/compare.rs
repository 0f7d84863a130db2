//! What came of a step against what was to come of it.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use wasmill_model::Name;
use wasmill_wasm::Level;

use crate::ledger::Sent;
use crate::play::Played;
use crate::scenario::{
    Body, Entry, ExpectedAnswer, ExpectedLine, ExpectedMessage, ExpectedOutcome, ExpectedRequest,
    ExpectedTimer,
};
use crate::shown::shown;
use crate::shown::span;
use crate::stage::{Answered, Handling};
use crate::watch::Exchange;

/// One thing that is not as it was to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs, in the words of the scenario.
    pub what: String,
    /// What was to be.
    pub expected: String,
    /// What is.
    pub actual: String,
}

/// Collects differences.
struct Differences(Vec<Difference>);

/// What differs in a step.
pub(crate) fn differences(plugin: &Name, played: &Played<'_>) -> Vec<Difference> {
    let mut found = Differences(Vec::new());
    let (expect, handlings) = (&played.step.expect, played.handlings);
    if let Some(expected) = &expect.answer {
        let parts = match played.answer {
            Some(actual) => answer(expected, actual),
            None => Vec::new(),
        };
        for (part, expected, actual) in parts {
            found.add(format!("answer: {part}"), expected, actual);
        }
    }
    if let Some(expected) = &expect.outcomes {
        found.list("outcome", expected, handlings, shown_outcome, outcome);
    }
    if let Some(expected) = &expect.sent {
        found.list("sent", expected, played.sent, shown_sent, sent);
    }
    for (key, entries) in &expect.state {
        let actual = played.ledger.entries(plugin, key);
        for (name, entry) in entries {
            let actual = actual.and_then(|it| it.get(name.as_str()));
            let what = format!("state of key `{key}`, entry `{name}`");
            found.entry(what, entry, actual);
        }
    }
    for (key, expected) in &expect.timers {
        let what = format!("timers of key `{key}`");
        let pending = pending(plugin, played, key);
        found.list(&what, expected, &pending, Pending::shown, timer);
    }
    if let Some(expected) = &expect.logs {
        let lines = played.seen().flat_map(|it| it.lines.clone());
        let lines: Vec<_> = lines.collect();
        found.list("logs", expected, &lines, shown_line, line);
    }
    if let Some(expected) = &expect.http {
        let requests = played.seen().flat_map(|it| it.requests.clone());
        let requests: Vec<_> = requests.collect();
        found.list("http", expected, &requests, shown_request, request);
    }
    found.0
}

/// The timers that are pending of a key.
fn pending(plugin: &Name, played: &Played<'_>, key: &str) -> Vec<Pending> {
    let timers = played.ledger.timers(plugin, key).into_iter();
    let pending = timers.filter_map(|it| {
        Some(Pending {
            name: it.message.timer.clone()?,
            due_in: it.due.since(played.now),
            topic: it.message.topic.clone(),
        })
    });
    pending.collect()
}

impl Differences {
    fn add(&mut self, what: String, expected: String, actual: String) {
        self.0.push(Difference {
            what,
            expected,
            actual,
        });
    }

    /// Compares lists item by item; `compare` tells what of an item differs, as what, expected and
    /// actual.
    fn list<E: Shown, A>(
        &mut self,
        what: &str,
        expected: &[E],
        actual: &[A],
        show: impl Fn(&A) -> String,
        compare: impl Fn(&E, &A) -> Vec<Part>,
    ) {
        for index in 0..expected.len().max(actual.len()) {
            let item = format!("{what}, number {}", index + 1);
            match (expected.get(index), actual.get(index)) {
                (Some(expected), Some(actual)) => {
                    for (part, expected, actual) in compare(expected, actual) {
                        let dot = if part.is_empty() { "" } else { ": " };
                        self.add(format!("{item}{dot}{part}"), expected, actual);
                    }
                }
                (Some(expected), None) => self.add(item, expected.shown(), "nothing".to_owned()),
                (None, Some(actual)) => self.add(item, "nothing".to_owned(), show(actual)),
                (None, None) => {}
            }
        }
    }

    fn entry(&mut self, what: String, expected: &Entry, actual: Option<&Bytes>) {
        let told = || actual.map_or_else(|| "absent".to_owned(), |it| shown(it));
        match expected {
            Entry::Absent if actual.is_some() => self.add(what, "absent".to_owned(), told()),
            Entry::Is(body) if !actual.is_some_and(|it| body.is(it)) => {
                self.add(what, body.shown(), told());
            }
            _ => {}
        }
    }
}

/// A part of an item that differs: what, expected, actual.
type Part = (&'static str, String, String);

/// An expectation for people.
trait Shown {
    fn shown(&self) -> String;
}

impl Shown for ExpectedOutcome {
    fn shown(&self) -> String {
        match self.cause.as_str() {
            "" => self.kind.word().to_owned(),
            cause => format!("{}: ...{cause}...", self.kind.word()),
        }
    }
}

impl Shown for ExpectedMessage {
    fn shown(&self) -> String {
        let body = self.body.as_ref().map(Body::shown);
        message(&self.topic, self.key.as_deref(), body.as_deref())
    }
}

impl Shown for ExpectedTimer {
    fn shown(&self) -> String {
        self.name.clone()
    }
}

impl Shown for ExpectedLine {
    fn shown(&self) -> String {
        let level = self.level.map_or("any level", level_word);
        match self.text.as_str() {
            "" => level.to_owned(),
            text => format!("{level}: ...{text}..."),
        }
    }
}

impl Shown for ExpectedRequest {
    fn shown(&self) -> String {
        format!("{} {}", self.method, self.url)
    }
}

/// A timer that is pending.
struct Pending {
    name: Name,
    due_in: Duration,
    topic: Name,
}

impl Pending {
    fn shown(&self) -> String {
        format!("{} in {}", self.name, span(self.due_in))
    }
}

fn outcome(expected: &ExpectedOutcome, actual: &Handling) -> Vec<Part> {
    let fits = expected.kind == actual.outcome && actual.cause.contains(&expected.cause);
    part("", !fits, || expected.shown(), || shown_outcome(actual))
}

fn answer(expected: &ExpectedAnswer, actual: &Answered) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(status) = expected.status {
        let (wanted, told) = (|| status.to_string(), || shown_answer(actual));
        parts.extend(part("status", status != actual.status, wanted, told));
    }
    parts.extend(text("key", expected.key.as_ref(), actual.key.as_ref()));
    let problem = actual.problem.as_ref();
    let field = problem.and_then(|it| it.field.as_deref()).map(Name::from);
    parts.extend(text("field", expected.field.as_ref(), field.as_ref()));
    if let Some(detail) = &expected.detail {
        let found = problem.map_or("(none)", |it| it.detail.as_str());
        let told = || shown(found.as_bytes());
        let wanted = || format!("...{detail}...");
        parts.extend(part("detail", !found.contains(detail), wanted, told));
    }
    parts.extend(body(expected.body.as_ref(), &actual.body));
    parts
}

fn sent(expected: &ExpectedMessage, actual: &Sent) -> Vec<Part> {
    let mut parts = part(
        "topic",
        expected.topic != *actual.topic,
        || expected.topic.clone(),
        || actual.topic.to_string(),
    );
    parts.extend(text("key", expected.key.as_ref(), actual.key.as_ref()));
    parts.extend(text("tag", expected.tag.as_ref(), actual.tag.as_ref()));
    if let Some(headers) = &expected.headers {
        let same = headers.len() == actual.headers.len()
            && actual.headers.iter().all(|(name, value)| {
                headers
                    .get(name.as_str())
                    .is_some_and(|it| it == value.as_str())
            });
        let told = || format!("{:?}", actual.headers);
        parts.extend(part("headers", !same, || format!("{headers:?}"), told));
    }
    parts.extend(body(expected.body.as_ref(), &actual.body));
    if let Some(delay) = expected.delay {
        let actual = actual.delay.unwrap_or_default();
        parts.extend(part(
            "delay",
            delay != actual,
            || span(delay),
            || span(actual),
        ));
    }
    parts
}

fn timer(expected: &ExpectedTimer, actual: &Pending) -> Vec<Part> {
    let mut parts = text("name", Some(&expected.name), Some(&actual.name));
    if let Some(due) = expected.due_in {
        let (wanted, told) = (|| span(due), || span(actual.due_in));
        parts.extend(part("in", due != actual.due_in, wanted, told));
    }
    parts.extend(match &expected.topic {
        Some(topic) => text("topic", Some(topic), Some(&actual.topic)),
        None => Vec::new(),
    });
    parts
}

fn line(expected: &ExpectedLine, actual: &(Level, String)) -> Vec<Part> {
    let (level, text) = actual;
    let fits = expected.level.is_none_or(|it| it == *level) && text.contains(&expected.text);
    part("", !fits, || expected.shown(), || shown_line(actual))
}

fn request(expected: &ExpectedRequest, actual: &Exchange) -> Vec<Part> {
    let same = expected.method.eq_ignore_ascii_case(&actual.method) && expected.url == actual.url;
    let mut parts = part("", !same, || expected.shown(), || shown_request(actual));
    for (name, value) in &expected.headers {
        let found = actual.header(&name.to_lowercase());
        let told = || format!("{name}: {}", found.unwrap_or("(absent)"));
        let wanted = || format!("{name}: {value}");
        parts.extend(part("header", found != Some(value), wanted, told));
    }
    parts.extend(body(expected.body.as_ref(), &actual.body));
    parts
}

fn text(what: &'static str, expected: Option<&String>, actual: Option<&Name>) -> Vec<Part> {
    let Some(expected) = expected else {
        return Vec::new();
    };
    let told = actual.map_or("(none)", |it| it.as_str());
    part(
        what,
        expected != told,
        || expected.clone(),
        || told.to_owned(),
    )
}

fn body(expected: Option<&Body>, actual: &Bytes) -> Vec<Part> {
    match expected {
        Some(body) => part("body", !body.is(actual), || body.shown(), || shown(actual)),
        None => Vec::new(),
    }
}

fn part(
    what: &'static str,
    differs: bool,
    expected: impl FnOnce() -> String,
    actual: impl FnOnce() -> String,
) -> Vec<Part> {
    match differs {
        true => vec![(what, expected(), actual())],
        false => Vec::new(),
    }
}

fn shown_outcome(it: &Handling) -> String {
    match it.cause.as_str() {
        "" => it.outcome.word().to_owned(),
        cause => format!("{}: {}", it.outcome.word(), shown(cause.as_bytes())),
    }
}

/// An answer for people.
pub(crate) fn shown_answer(it: &Answered) -> String {
    let key = it
        .key
        .as_deref()
        .map(|key| format!(" key {}", shown(key.as_bytes())));
    format!(
        "{}{} {}",
        it.status,
        key.unwrap_or_default(),
        shown(&it.body)
    )
}

pub(crate) fn shown_sent(it: &Sent) -> String {
    let body = shown(&it.body);
    message(&it.topic, it.key.as_deref(), Some(&body))
}

fn shown_line((level, text): &(Level, String)) -> String {
    format!("{}: {}", level_word(*level), shown(text.as_bytes()))
}

/// A level as scenarios write it.
pub(crate) fn level_word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

fn shown_request(it: &Exchange) -> String {
    format!("{} {}", it.method, it.url)
}

/// A message for people.
fn message(topic: &str, key: Option<&str>, body: Option<&str>) -> String {
    let key = key.map(|key| format!(" key {}", shown(key.as_bytes())));
    let body = body.map(|body| format!(" {body}"));
    format!(
        "{topic}{}{}",
        key.unwrap_or_default(),
        body.unwrap_or_default()
    )
}
