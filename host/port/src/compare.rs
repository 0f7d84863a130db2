//! What differs between what two versions of a plugin did with the same message.
//!
//! Compared is what would be committed: the outcome, the state, what is sent and when, timers,
//! claims, and half messages that are settled. Not the time and the fuel, nor when something was
//! sent; and times that a handler counts from now may be apart by what passed between the calls.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use wasmill_model::effects::{Delayed, Effects, Failure, FailureKind};
use wasmill_model::reserved::{self, Entry};
use wasmill_model::{Decision, Message, Millis, Name};

/// Most differences that are told of one message.
pub const DIFFERENCES_MAX: usize = 16;
/// Longest text of a value; a longer one is cut around where they differ.
const SHOWN_BYTES_MAX: usize = 160;
/// How much of what they have in common is shown before that.
const SHOWN_BEFORE: usize = 40;

/// Something that two versions did differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is about, such as ``state `account` ``.
    pub what: String,
    /// What the version that serves did.
    pub running: String,
    /// What the candidate did.
    pub candidate: String,
}

/// What differs; `slack` is how long after the running version the candidate was done.
#[must_use]
pub fn differences(
    running: &Result<Effects, Failure>,
    candidate: &Result<Effects, Failure>,
    slack: Duration,
) -> Vec<Difference> {
    let mut found = Found(Vec::new());
    match (running, candidate) {
        (Ok(running), Ok(candidate)) => found.effects(running, candidate, slack),
        (Err(running), Err(candidate)) if running.kind == candidate.kind => {}
        _ => found.tell("outcome", outcome(running), outcome(candidate)),
    }
    found.0
}

fn outcome(result: &Result<Effects, Failure>) -> String {
    let Err(failure) = result else {
        return "done".to_owned();
    };
    let kind = match failure.kind {
        FailureKind::Retry => "retry".to_owned(),
        FailureKind::RetryAfter(delay) => format!("retry after {delay:?}"),
        FailureKind::Reject => "reject".to_owned(),
        FailureKind::Unavailable => "unavailable".to_owned(),
    };
    let cause = failure.cause.lines().next().unwrap_or_default();
    format!("{kind}: {}", cut(cause.as_bytes(), 0))
}

struct Found(Vec<Difference>);

impl Found {
    fn effects(&mut self, running: &Effects, candidate: &Effects, slack: Duration) {
        self.state(&running.writes, &candidate.writes);
        let (of_running, of_candidate) = (running.sends.iter(), candidate.sends.iter());
        let pairs = pairs(
            of_running.map(|send| &*send.message),
            of_candidate.map(|send| &*send.message),
        );
        for (nth, pair) in (1..).zip(pairs) {
            self.message(&format!("message {nth}"), pair);
        }
        self.delayed(&running.delayed, &candidate.delayed, slack);
        let cancels = |it: &Effects| format!("{} pending messages", it.cancelled.len());
        if running.cancelled != candidate.cancelled {
            self.tell("cancelled", cancels(running), cancels(candidate));
        }
        self.settled(running, candidate);
    }

    /// Entries of the plugin's own, and claims. The host's others go with timers and messages.
    fn state(&mut self, running: &[(Name, Option<Bytes>)], candidate: &[(Name, Option<Bytes>)]) {
        for (name, pair) in matched(entries(running), entries(candidate)) {
            match reserved::entry(&name) {
                // What the host keeps beside them, such as their schema, is told by their difference.
                None if name.starts_with('\0') => {}
                None => {
                    let what = format!("state `{name}`");
                    self.values(&what, pair.map(|it| it.map(Written)));
                }
                Some(Entry::Claim(id)) if pair[0].is_some() != pair[1].is_some() => {
                    let [running, candidate] = pair.map(|it| match it {
                        Some(_) => "claimed".to_owned(),
                        None => "not claimed".to_owned(),
                    });
                    self.tell(&format!("claim `{id}`"), running, candidate);
                }
                Some(_) => {}
            }
        }
    }

    /// Timers by their names, and messages for later in their order.
    fn delayed(&mut self, running: &[Delayed], candidate: &[Delayed], slack: Duration) {
        for (name, pair) in matched(timers(running), timers(candidate)) {
            self.later(&format!("timer `{name}`"), pair, slack);
        }
        let messages = |all| {
            let all: std::slice::Iter<'_, Delayed> = all;
            all.filter(|delayed| delayed.message.timer.is_none())
        };
        let pairs = pairs(messages(running.iter()), messages(candidate.iter()));
        for (nth, pair) in (1..).zip(pairs) {
            self.later(&format!("delayed message {nth}"), pair, slack);
        }
    }

    fn later(&mut self, what: &str, pair: [Option<&Delayed>; 2], slack: Duration) {
        self.message(what, pair.map(|it| it.map(|delayed| &*delayed.message)));
        if let [Some(running), Some(candidate)] = pair
            && apart(running.due, candidate.due) > slack
        {
            let due = |delayed: &Delayed| format!("{} ms", delayed.due.0);
            self.tell(&format!("{what}: due"), due(running), due(candidate));
        }
    }

    fn message(&mut self, what: &str, pair: [Option<&Message>; 2]) {
        let [Some(running), Some(candidate)] = pair else {
            if pair[0].is_some() != pair[1].is_some() {
                let [running, candidate] = pair.map(|it| match it {
                    Some(message) => format!("to `{}`: {}", message.topic, cut(&message.body, 0)),
                    None => "none".to_owned(),
                });
                self.tell(what, running, candidate);
            }
            return;
        };
        let optional = |name: &Option<Name>| match name {
            Some(name) => format!("`{name}`"),
            None => "none".to_owned(),
        };
        let headers = |message: &Message| format!("{:?}", message.headers);
        for (part, of_running, of_candidate) in [
            (
                "topic",
                format!("`{}`", running.topic),
                format!("`{}`", candidate.topic),
            ),
            ("key", optional(&running.key), optional(&candidate.key)),
            ("tag", optional(&running.tag), optional(&candidate.tag)),
            ("headers", headers(running), headers(candidate)),
        ] {
            if of_running != of_candidate {
                self.tell(&format!("{what}: {part}"), of_running, of_candidate);
            }
        }
        let bodies = [&running.body, &candidate.body].map(|it| Some(Written(Some(it))));
        self.values(&format!("{what}: body"), bodies);
    }

    fn settled(&mut self, running: &Effects, candidate: &Effects) {
        let decided = |effects: &Effects| -> Vec<(String, &'static str)> {
            let all = effects.settled.iter().map(|(half, decision)| {
                let decision = match decision {
                    Decision::Commit => "committed",
                    Decision::RollBack => "rolled back",
                };
                (half.message.id.to_string(), decision)
            });
            all.collect()
        };
        let [of_running, of_candidate] = [running, candidate].map(decided);
        if of_running != of_candidate {
            let shown = |all: &[(String, &str)]| format!("{all:?}");
            self.tell("half messages", shown(&of_running), shown(&of_candidate));
        }
    }

    fn values(&mut self, what: &str, pair: [Option<Written<'_>>; 2]) {
        if pair[0] == pair[1] {
            return;
        }
        let [a, b] = pair.map(|written| {
            let value = written.and_then(|it| it.0);
            value.map_or(&[][..], |value| &value[..])
        });
        let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        let from = common.saturating_sub(SHOWN_BEFORE);
        let [running, candidate] = pair.map(|written| match written {
            None => "not written".to_owned(),
            Some(Written(None)) => "deleted".to_owned(),
            Some(Written(Some(value))) => cut(value, from),
        });
        self.tell(what, running, candidate);
    }

    fn tell(&mut self, what: &str, running: String, candidate: String) {
        if self.0.len() < DIFFERENCES_MAX {
            self.0.push(Difference {
                what: what.to_owned(),
                running,
                candidate,
            });
        }
    }
}

/// What is written under a name: none is a delete.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Written<'a>(Option<&'a Bytes>);

fn entries(writes: &[(Name, Option<Bytes>)]) -> BTreeMap<Name, Option<&Bytes>> {
    let writes = writes.iter();
    writes
        .map(|(name, value)| (name.clone(), value.as_ref()))
        .collect()
}

fn timers(delayed: &[Delayed]) -> BTreeMap<Name, &Delayed> {
    let named = delayed
        .iter()
        .filter_map(|it| Some((it.message.timer.clone()?, it)));
    named.collect()
}

/// What has the same name, in the order of the names.
fn matched<T: Copy>(a: BTreeMap<Name, T>, b: BTreeMap<Name, T>) -> BTreeMap<Name, [Option<T>; 2]> {
    let mut all: BTreeMap<Name, [Option<T>; 2]> = BTreeMap::new();
    for (nth, side) in [a, b].into_iter().enumerate() {
        for (name, value) in side {
            all.entry(name).or_default()[nth] = Some(value);
        }
    }
    all
}

/// What has the same place.
fn pairs<'a, T: 'a>(
    mut a: impl Iterator<Item = &'a T>,
    mut b: impl Iterator<Item = &'a T>,
) -> impl Iterator<Item = [Option<&'a T>; 2]> {
    std::iter::from_fn(move || {
        let pair = [a.next(), b.next()];
        pair.iter().any(Option::is_some).then_some(pair)
    })
}

fn apart(a: Millis, b: Millis) -> Duration {
    Duration::from_millis(a.0.abs_diff(b.0))
}

/// A value from this byte on, as text if it is one.
fn cut(value: &[u8], from: usize) -> String {
    let text = match std::str::from_utf8(value) {
        Ok(text) => {
            let from = text.floor_char_boundary(from);
            let to = text.floor_char_boundary(from + SHOWN_BYTES_MAX);
            format!("{}{:?}", dots(from > 0), &text[from..to]) + dots(to < text.len())
        }
        Err(_) => {
            let to = value.len().min(from + SHOWN_BYTES_MAX / 4);
            let bytes: String = value[from..to]
                .iter()
                .map(|it| format!("{it:02x}"))
                .collect();
            format!("{}0x{bytes}", dots(from > 0)) + dots(to < value.len())
        }
    };
    match value.len() {
        length if length > SHOWN_BYTES_MAX => format!("{text} ({length} bytes)"),
        _ => text,
    }
}

fn dots(more: bool) -> &'static str {
    if more { "..." } else { "" }
}

#[cfg(test)]
mod tests;
