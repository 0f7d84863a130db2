//! What a trial tells: each step with its effects, and what differs.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde::Serialize;
use wasmill_model::{Name, reserved};

use crate::compare::{Difference, differences, level_word, shown_sent};
use crate::ledger::Ending;
use crate::play::Played;
use crate::scenario::Deed;
use crate::shown::{printable, shown, span, time};
use crate::stage::{Answered, Handling};
use crate::watch::Seen;

/// What a trial tells.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The steps, in order.
    pub steps: Vec<StepReport>,
}

/// What came of a step.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// The line of the scenario where it begins.
    pub line: usize,
    /// What it shows, as the scenario says.
    pub name: Option<String>,
    /// When it began.
    pub at: String,
    /// What was done.
    pub did: String,
    /// What a request, or a question, was answered with.
    pub answered: Option<AnsweredReport>,
    /// The messages that were handled, in order.
    pub handled: Vec<HandledReport>,
    /// What is not as it was to be.
    pub differences: Vec<Difference>,
}

/// What a request, or a question, was answered with.
#[derive(Clone, Debug, Serialize)]
pub struct AnsweredReport {
    /// The HTTP status.
    pub status: u16,
    /// The key of the message that the request became.
    pub key: Option<String>,
    /// The body, for people.
    pub body: String,
    /// What the plugin did meanwhile, a line each.
    pub effects: Vec<String>,
    /// The calls of the host that it made, in order.
    pub host_calls: Vec<String>,
}

/// What came of a message.
#[derive(Clone, Debug, Serialize)]
pub struct HandledReport {
    /// The subscription that delivered it.
    pub subscription: String,
    /// Its topic.
    pub topic: String,
    /// Its key.
    pub key: Option<String>,
    /// 1 for the first delivery.
    pub attempt: u32,
    /// `ok`, `retry`, `reject`, `dead-letter`, `halted` or `duplicate`.
    pub outcome: String,
    /// Why it failed.
    pub cause: Option<String>,
    /// What it did, a line each.
    pub effects: Vec<String>,
    /// The calls of the host that its handler made, in order.
    pub host_calls: Vec<String>,
}

impl Report {
    /// How many things are not as they were to be.
    #[must_use]
    pub fn differences(&self) -> usize {
        self.steps.iter().map(|step| step.differences.len()).sum()
    }

    /// Takes a step that was played.
    pub(crate) fn add(&mut self, plugin: &Name, played: &Played<'_>) {
        let step = played.step;
        self.steps.push(StepReport {
            line: step.line,
            name: step.name.clone(),
            at: time(played.at),
            did: did(&step.deed),
            answered: played.answer.map(answered),
            handled: played.handlings.iter().map(handled).collect(),
            differences: differences(plugin, played),
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            let name = step.name.as_deref().unwrap_or(&step.did);
            let name = printable(name);
            writeln!(f, "step {}, line {}: {name}", index + 1, step.line)?;
            if step.name.is_some() {
                writeln!(f, "  {}", printable(&step.did))?;
            }
            if let Some(answered) = &step.answered {
                answered.fmt(f)?;
            }
            for handled in &step.handled {
                handled.fmt(f)?;
            }
            for Difference {
                what,
                expected,
                actual,
            } in &step.differences
            {
                // What the plugin wrote must not write to the terminal.
                writeln!(f, "  DIFFERS {}", printable(what))?;
                writeln!(f, "    expected {}", printable(expected))?;
                writeln!(f, "    actual   {}", printable(actual))?;
            }
        }
        let handled: usize = self.steps.iter().map(|step| step.handled.len()).sum();
        let differing = self.steps.iter().filter(|it| !it.differences.is_empty());
        match differing.count() {
            0 => write!(
                f,
                "{} steps, {handled} messages handled: all as expected",
                self.steps.len()
            ),
            count => write!(
                f,
                "{} steps, {handled} messages handled: {count} not as expected",
                self.steps.len()
            ),
        }
    }
}

impl AnsweredReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self
            .key
            .as_deref()
            .map(|key| format!(" key {}", shown(key.as_bytes())));
        let key = key.unwrap_or_default();
        writeln!(
            f,
            "  answered {}{key} {}",
            self.status,
            printable(&self.body)
        )?;
        let mut effects = self.effects.iter();
        effects.try_for_each(|effect| writeln!(f, "    {}", printable(effect)))
    }
}

impl HandledReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            subscription,
            outcome,
            ..
        } = self;
        let subject = printable(&self.subject());
        write!(f, "  {subscription}: {subject}")?;
        match &self.cause {
            Some(cause) => writeln!(f, " {outcome}: {}", printable(cause))?,
            None => writeln!(f, " {outcome}")?,
        }
        let mut effects = self.effects.iter();
        effects.try_for_each(|effect| writeln!(f, "    {}", printable(effect)))
    }

    /// The message, for people.
    fn subject(&self) -> String {
        subject(&self.topic, self.key.as_deref(), self.attempt)
    }
}

/// A message, for people.
pub(crate) fn subject(topic: &str, key: Option<&str>, attempt: u32) -> String {
    let mut text = topic.to_owned();
    if let Some(key) = key {
        let _ = write!(text, " key {}", shown(key.as_bytes()));
    }
    if attempt > 1 {
        let _ = write!(text, " (attempt {attempt})");
    }
    text
}

fn did(deed: &Deed) -> String {
    match deed {
        Deed::Send(send) => {
            let subject = subject(&send.topic, send.key.as_deref(), 1);
            let delay = send.delay.map(|it| format!(" in {}", span(it)));
            format!(
                "send {subject} {}{}",
                shown(&send.body),
                delay.unwrap_or_default()
            )
        }
        Deed::Request(request) => {
            let (method, path) = (&request.method, &request.path);
            format!("request {method} {path} {}", shown(&request.body))
        }
        Deed::Query(query) => {
            let key = shown(query.key.as_bytes());
            format!("query key {key} {}", query.request.path)
        }
        Deed::Advance(by) => format!("advance {}", span(*by)),
        Deed::Config(values) => {
            let values = values
                .iter()
                .map(|(name, value)| format!("{name} = {value}"));
            format!("config {}", values.collect::<Vec<_>>().join(", "))
        }
    }
}

fn answered(it: &Answered) -> AnsweredReport {
    let mut effects = Vec::new();
    outside(&it.seen, &mut effects);
    AnsweredReport {
        status: it.status,
        key: it.key.as_ref().map(ToString::to_string),
        body: shown(&it.body),
        effects,
        host_calls: it.seen.calls.iter().map(ToString::to_string).collect(),
    }
}

fn handled(it: &Handling) -> HandledReport {
    HandledReport {
        subscription: it.subscription.to_string(),
        topic: it.message.topic.to_string(),
        key: it.message.key.as_ref().map(ToString::to_string),
        attempt: it.attempt,
        outcome: it.outcome.word().to_owned(),
        cause: (!it.cause.is_empty()).then(|| shown(it.cause.as_bytes())),
        effects: effects(it),
        host_calls: it.seen.calls.iter().map(ToString::to_string).collect(),
    }
}

/// What a handler did, a line each.
fn effects(it: &Handling) -> Vec<String> {
    let mut lines = Vec::new();
    for sent in &it.did.sent {
        let delay = sent.delay.map(|delay| format!(" in {}", span(delay)));
        let tag = sent.tag.as_ref().map(|tag| format!(" tag {tag}"));
        lines.push(format!(
            "sent {}{}{}",
            shown_sent(sent),
            tag.unwrap_or_default(),
            delay.unwrap_or_default()
        ));
    }
    lines.extend(it.did.writes.iter().filter_map(|(name, value)| {
        Some(match (reserved::entry(name), value) {
            (None, Some(value)) => format!("state {name} = {}", shown(value)),
            (None, None) => format!("state {name} deleted"),
            (Some(reserved::Entry::Claim(id)), Some(_)) => format!("claimed {id}"),
            // Timers are told below; all else is the host's own.
            _ => return None,
        })
    }));
    let set: BTreeMap<_, _> = it
        .did
        .timers_set
        .iter()
        .map(|it| (&it.message.timer, it))
        .collect();
    for (name, timer) in &set {
        let name = name.as_deref().unwrap_or_default();
        lines.push(format!("timer {name} set for {}", time(timer.due)));
    }
    let replaced = |name: &&Name| set.contains_key(&Some((*name).clone()));
    let cancelled = it.did.timers_cancelled.iter().filter(|it| !replaced(it));
    lines.extend(cancelled.map(|name| format!("timer {name} cancelled")));
    outside(&it.seen, &mut lines);
    if let Ending::Retry(due) = it.did.ending {
        lines.push(match due {
            wasmill_model::Millis::MAX => "its key is halted".to_owned(),
            due => format!("tried again at {}", time(due)),
        });
    }
    lines
}

/// What the plugin did outside of the commit.
fn outside(seen: &Seen, lines: &mut Vec<String>) {
    for request in &seen.requests {
        let answer = match request.status {
            Some(status) => status.to_string(),
            None => "refused: no answer is prepared in the scenario".to_owned(),
        };
        lines.push(format!("HTTP {} {}: {answer}", request.method, request.url));
    }
    for (level, text) in &seen.lines {
        let level = level_word(*level);
        lines.push(format!("log {level}: {}", shown(text.as_bytes())));
    }
}
