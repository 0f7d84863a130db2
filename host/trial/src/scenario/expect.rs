//! What is to come of a step. What it does not state is not compared.

use std::collections::BTreeMap;
use std::time::Duration;

use wasmill_wasm::Level;

use super::Body;
use super::raw::{self, Wrong};
use super::step::span;

/// What is to come of a step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expectation {
    /// What a request, or a query, is to be answered with.
    pub(crate) answer: Option<ExpectedAnswer>,
    /// What became of the messages that were handled, in order.
    pub(crate) outcomes: Option<Vec<ExpectedOutcome>>,
    /// All that was sent, in order.
    pub(crate) sent: Option<Vec<ExpectedMessage>>,
    /// By key and name.
    pub(crate) state: BTreeMap<String, BTreeMap<String, Entry>>,
    /// All timers that are pending of a key.
    pub(crate) timers: BTreeMap<String, Vec<ExpectedTimer>>,
    pub(crate) logs: Option<Vec<ExpectedLine>>,
    /// All that was asked of others over HTTP, in order.
    pub(crate) http: Option<Vec<ExpectedRequest>>,
}

/// What is to become of a message.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedOutcome {
    pub(crate) kind: OutcomeKind,
    /// A part of the cause; nothing if any will do.
    pub(crate) cause: String,
}

/// What becomes of a message that is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutcomeKind {
    /// It was handled, and what its handler did is committed.
    Ok,
    /// It is tried again later.
    Retry,
    /// Its handler wants no more of it: a dead letter.
    Reject,
    /// It failed too often: a dead letter.
    DeadLetter,
    /// It failed too often, and holds its key.
    Halted,
    /// Its subscription knows its id: no handler was called.
    Duplicate,
}

impl OutcomeKind {
    const ALL: [Self; 6] = [
        Self::Ok,
        Self::Retry,
        Self::Reject,
        Self::DeadLetter,
        Self::Halted,
        Self::Duplicate,
    ];

    /// As the file writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Retry => "retry",
            Self::Reject => "reject",
            Self::DeadLetter => "dead-letter",
            Self::Halted => "halted",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What is to be answered.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedAnswer {
    pub(crate) status: Option<u16>,
    /// The key of the message that the request becomes.
    pub(crate) key: Option<String>,
    /// What is wrong with the request, by the problem's `field`.
    pub(crate) field: Option<String>,
    /// A part of the problem's `detail`.
    pub(crate) detail: Option<String>,
    pub(crate) body: Option<Body>,
}

/// A message that is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedMessage {
    pub(crate) topic: String,
    pub(crate) key: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) headers: Option<BTreeMap<String, String>>,
    pub(crate) body: Option<Body>,
    pub(crate) delay: Option<Duration>,
}

/// An entry of a key's state.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// There is to be none.
    Absent,
    /// It is to be this.
    Is(Body),
}

/// A timer that is to be pending.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedTimer {
    pub(crate) name: String,
    pub(crate) due_in: Option<Duration>,
    pub(crate) topic: Option<String>,
}

/// A line that is to be written.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedLine {
    pub(crate) level: Option<Level>,
    /// A part of it.
    pub(crate) text: String,
}

/// A request that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct ExpectedRequest {
    pub(crate) method: String,
    pub(crate) url: String,
    /// At least these.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Body>,
}

/// Reads what a step states.
pub(super) fn expectation(raw: raw::Expect) -> Result<Expectation, Wrong> {
    let raw::Expect {
        answer,
        outcome,
        sent,
        state,
        timers,
        logs,
        http,
    } = raw;
    let entries = |(key, entries): (String, BTreeMap<_, _>)| {
        let entries = entries.into_iter();
        let entries = entries.map(|(name, it)| Ok((name, entry(it)?)));
        Ok((key, entries.collect::<Result<_, Wrong>>()?))
    };
    let of_key = |(key, timers): (String, Vec<_>)| {
        let timers = timers.into_iter().map(timer);
        Ok((key, timers.collect::<Result<_, Wrong>>()?))
    };
    Ok(Expectation {
        answer: answer.map(self::answer).transpose()?,
        outcomes: outcome.as_ref().map(outcomes).transpose()?,
        sent: sent
            .map(|all| all.into_iter().map(message).collect())
            .transpose()?,
        state: state.into_iter().map(entries).collect::<Result<_, _>>()?,
        timers: timers.into_iter().map(of_key).collect::<Result<_, _>>()?,
        logs: logs.map(|all| all.into_iter().map(line).collect()),
        http: http
            .map(|all| all.into_iter().map(request).collect())
            .transpose()?,
    })
}

fn answer(stated: toml::Spanned<raw::Reply>) -> Result<ExpectedAnswer, Wrong> {
    let at = stated.span().start;
    let raw::Reply {
        status,
        key,
        field,
        detail,
        json,
        body,
        body_base64,
    } = stated.into_inner();
    Ok(ExpectedAnswer {
        status,
        key,
        field,
        detail,
        body: Body::of(json, body, body_base64).map_err(|what| Wrong { at, what })?,
    })
}

/// One outcome stands for a list of one.
fn outcomes(stated: &toml::Spanned<toml::Value>) -> Result<Vec<ExpectedOutcome>, Wrong> {
    let read = match stated.get_ref() {
        toml::Value::Array(all) => all.iter().map(outcome).collect(),
        one => outcome(one).map(|it| vec![it]),
    };
    read.map_err(|what| Wrong::at(stated, what))
}

fn outcome(stated: &toml::Value) -> Result<ExpectedOutcome, String> {
    let (word, cause) = match stated {
        toml::Value::String(word) => (word, ""),
        toml::Value::Table(table) => match table.iter().next() {
            Some((word, toml::Value::String(cause))) if table.len() == 1 => (word, cause.as_str()),
            _ => {
                let what = "an outcome's table has one word with a part of the cause, such as \
                            `{ reject = \"amount\" }`";
                return Err(what.to_owned());
            }
        },
        other => {
            let kind = other.type_str();
            return Err(format!("an outcome is a word or a table, this is a {kind}"));
        }
    };
    let kind = OutcomeKind::ALL.into_iter().find(|it| it.word() == word);
    let Some(kind) = kind else {
        let words = OutcomeKind::ALL.map(|it| format!("`{}`", it.word()));
        return Err(format!(
            "`{word}` is no outcome: use one of {}",
            words.join(", ")
        ));
    };
    let cause = cause.to_owned();
    Ok(ExpectedOutcome { kind, cause })
}

fn message(stated: toml::Spanned<raw::Message>) -> Result<ExpectedMessage, Wrong> {
    let at = stated.span().start;
    let raw::Message {
        topic,
        key,
        tag,
        headers,
        json,
        body,
        body_base64,
        delay,
    } = stated.into_inner();
    Ok(ExpectedMessage {
        topic,
        key,
        tag,
        headers,
        body: Body::of(json, body, body_base64).map_err(|what| Wrong { at, what })?,
        delay: delay.as_ref().map(span).transpose()?,
    })
}

fn entry(stated: toml::Spanned<raw::Entry>) -> Result<Entry, Wrong> {
    let at = stated.span().start;
    let raw::Entry {
        absent,
        json,
        body,
        body_base64,
    } = stated.into_inner();
    let body = Body::of(json, body, body_base64).map_err(|what| Wrong { at, what })?;
    match (absent, body) {
        (true, None) => Ok(Entry::Absent),
        (false, Some(body)) => Ok(Entry::Is(body)),
        _ => {
            let what = "an entry of the state has one of `json`, `body`, `body_base64` and \
                        `absent = true`";
            let what = what.to_owned();
            Err(Wrong { at, what })
        }
    }
}

fn timer(stated: toml::Spanned<raw::Timer>) -> Result<ExpectedTimer, Wrong> {
    let raw::Timer {
        name,
        due_in,
        topic,
    } = stated.into_inner();
    Ok(ExpectedTimer {
        name,
        due_in: due_in.as_ref().map(span).transpose()?,
        topic,
    })
}

fn line(stated: raw::Line) -> ExpectedLine {
    let level = stated.level.map(|level| match level {
        raw::Level::Trace => Level::Trace,
        raw::Level::Debug => Level::Debug,
        raw::Level::Info => Level::Info,
        raw::Level::Warn => Level::Warn,
        raw::Level::Error => Level::Error,
    });
    let text = stated.text.unwrap_or_default();
    ExpectedLine { level, text }
}

fn request(stated: toml::Spanned<raw::Request>) -> Result<ExpectedRequest, Wrong> {
    let at = stated.span().start;
    let raw::Request {
        method,
        url,
        headers,
        json,
        body,
        body_base64,
    } = stated.into_inner();
    Ok(ExpectedRequest {
        method,
        url,
        headers,
        body: Body::of(json, body, body_base64).map_err(|what| Wrong { at, what })?,
    })
}
