//! Stories as lines for people.

mod pending;
mod waits;

use std::time::SystemTime;

use serde::{Deserialize, Deserializer};

pub(super) use self::pending::Pending;
use self::waits::{Waits, prepared};
use super::table::{first_line, printable};

/// The stories of a flow, in the order of its tree.
#[derive(Deserialize)]
pub(super) struct Trace {
    pub(super) messages: Vec<Branch>,
    pub(super) log: Log,
}

/// A message in the tree, and its story.
#[derive(Deserialize)]
pub(super) struct Branch {
    pub(super) depth: usize,
    pub(super) message: Message,
    pub(super) events: Vec<Event>,
    /// None if nobody can say.
    pub(super) pending: Option<Vec<Pending>>,
}

#[derive(Deserialize)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) topic: String,
    pub(super) key: Option<String>,
    pub(super) correlation: String,
}

/// How far the log could be read.
#[derive(Deserialize)]
pub(super) struct Log {
    since: Option<String>,
    cut_short: bool,
    damaged: u64,
    damage: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Event {
    #[serde(deserialize_with = "time")]
    pub(super) at: SystemTime,
    #[serde(flatten)]
    what: What,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum What {
    Sent {},
    Arrived {},
    Delayed {
        due: String,
    },
    Due {},
    Unroutable {
        subscription: String,
        cause: String,
    },
    Handled(Box<Handling>),
    Prepared {
        checks: u32,
        cause: Option<String>,
        abandoned: bool,
    },
    Committed {},
    RolledBack {},
    Cancelled {},
    Resumed {
        subscription: String,
    },
    Redriven {
        to: Vec<Target>,
    },
    Replayed {
        to: Vec<Target>,
    },
    Purged {
        subscription: String,
    },
    Waits(Waits),
}

#[derive(Deserialize)]
struct Target {
    subscription: String,
}

#[derive(Deserialize)]
struct Handling {
    subscription: String,
    plugin: Option<String>,
    version: Option<String>,
    attempt: Option<u32>,
    duration_us: Option<u64>,
    fuel: Option<u64>,
    used: Option<Used>,
    outcome: String,
    cause: Option<String>,
    due: Option<String>,
    effects: Effects,
}

/// What a call used besides time and fuel.
#[derive(Deserialize)]
struct Used {
    memory_bytes: u64,
    memory_grown_bytes: u64,
    host_calls: u32,
    bytes_in: u64,
    bytes_out: u64,
}

#[derive(Deserialize)]
struct Effects {
    sent: Vec<String>,
    written: Vec<String>,
    deleted: Vec<String>,
    timers_set: Vec<Timer>,
    timers_cancelled: Vec<String>,
    recalled: Vec<String>,
    claimed: Vec<String>,
}

#[derive(Deserialize)]
struct Timer {
    name: String,
}

fn time<'de, D: Deserializer<'de>>(text: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(text)?;
    humantime::parse_rfc3339(&text).map_err(serde::de::Error::custom)
}

impl Branch {
    /// The message, and what happened to it, with the time since `began`, or as it was.
    pub(super) fn lines(&self, began: Option<SystemTime>) -> Vec<String> {
        let indent = "  ".repeat(self.depth);
        let line = |at: Option<SystemTime>, text: &str| {
            let at = at.map(|at| shown(at, began)).unwrap_or_default();
            let text = printable(text);
            format!("{at:>12}  {indent}{text}")
        };
        let Message { id, topic, key, .. } = &self.message;
        let key = key.as_ref().map(|key| format!(" `{key}`"));
        let sent = self.events.first().map(|event| event.at);
        let head = format!("{topic}{} {id}", key.unwrap_or_default());
        let events = self.events.iter().filter(|it| !self.is_pending(it));
        let events = events.filter_map(|event| {
            let text = event.what.text()?;
            Some(line(Some(event.at), &format!("  {text}")))
        });
        let pending = self.pending.iter().flatten().filter_map(Pending::text);
        let pending = pending.map(|text| line(None, &format!("  {text}")));
        let head = line(sent, &head);
        std::iter::once(head).chain(events).chain(pending).collect()
    }

    /// Whether an event says no more than what is told of the subscriptions that are not done.
    fn is_pending(&self, event: &Event) -> bool {
        let is_queued = matches!(&event.what, What::Waits(Waits::Queued { attempts: 0, .. }));
        self.pending.is_some() && is_queued
    }
}

/// A time, or how long it was after `began`.
fn shown(at: SystemTime, began: Option<SystemTime>) -> String {
    match began {
        None => humantime::format_rfc3339_millis(at).to_string(),
        Some(began) => {
            let after = at.duration_since(began).unwrap_or_default();
            format!("+{:.3} s", after.as_secs_f64())
        }
    }
}

impl Log {
    /// What could not be told, if anything.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.cut_short {
            lines.push("there is more than one answer can tell: ask for less".to_owned());
        }
        if let Some(damage) = &self.damage {
            let damage = printable(damage);
            lines.push(format!(
                "{} parts of the log are damaged, the first of them: {damage}",
                self.damaged
            ));
        }
        if let Some(since) = self.since.as_ref().filter(|_| !lines.is_empty()) {
            lines.push(format!("the log reaches back to {since}"));
        }
        lines
    }
}

impl What {
    /// What is worth a line.
    fn text(&self) -> Option<String> {
        Some(match self {
            // The line of the message itself says so.
            Self::Sent {} | Self::Arrived {} => return None,
            Self::Delayed { due } => format!("waits until {due}"),
            Self::Due {} => "is due".to_owned(),
            Self::Unroutable {
                subscription,
                cause,
            } => format!("{subscription}: dead letter: {}", first_line(cause)),
            Self::Handled(handling) => handling.text(),
            Self::Prepared {
                checks,
                cause,
                abandoned,
            } => prepared(*checks, cause.as_deref(), *abandoned),
            Self::Committed {} => "committed".to_owned(),
            Self::RolledBack {} => "rolled back".to_owned(),
            Self::Cancelled {} => "cancelled".to_owned(),
            Self::Resumed { subscription } => format!("{subscription}: resumed by an operator"),
            Self::Redriven { to } => format!("redriven by an operator to {}", names(to)),
            Self::Replayed { to } => format!("delivered anew to {}, which was moved", names(to)),
            Self::Purged { subscription } => format!("{subscription}: purged by an operator"),
            Self::Waits(how) => how.text(),
        })
    }
}

fn names(to: &[Target]) -> String {
    let names: Vec<_> = to.iter().map(|to| &*to.subscription).collect();
    names.join(", ")
}

impl Handling {
    fn text(&self) -> String {
        let by = match (&self.plugin, &self.version) {
            (Some(plugin), Some(version)) => format!("{plugin}@{version}"),
            (Some(plugin), None) => format!("{plugin}, not called"),
            (None, _) => "by an operator".to_owned(),
        };
        let mut text = format!("{} ({by}): {}", self.subscription, self.outcome);
        if let Some(attempt) = self.attempt {
            text += &format!(" at attempt {attempt}");
        }
        if let Some(micros) = self.duration_us {
            text += &format!(" in {:.3} ms", micros as f64 / 1_000.0);
        }
        if let Some(fuel) = self.fuel {
            text += &format!(", {fuel} fuel");
        }
        if let Some(used) = &self.used {
            text += &used.text();
        }
        if let Some(due) = &self.due {
            text += &format!(", again at {due}");
        }
        match &self.cause {
            Some(cause) => text + ": " + &first_line(cause),
            None => text + &self.effects.text(),
        }
    }
}

impl Used {
    fn text(&self) -> String {
        let kib = |bytes: u64| bytes.div_ceil(1 << 10);
        let mut text = format!(", {} KiB of memory", kib(self.memory_bytes));
        if self.memory_grown_bytes > 0 {
            text += &format!(" (+{})", kib(self.memory_grown_bytes));
        }
        let Self {
            host_calls,
            bytes_in,
            bytes_out,
            ..
        } = self;
        text + &format!(", {host_calls} host calls, {bytes_in} B in, {bytes_out} B out")
    }
}

impl Effects {
    fn text(&self) -> String {
        let timers: Vec<_> = self.timers_set.iter().map(|it| it.name.clone()).collect();
        let count = |ids: &[String]| match ids {
            [] => Vec::new(),
            ids => vec![ids.len().to_string()],
        };
        let parts = [
            ("wrote", self.written.clone()),
            ("deleted", self.deleted.clone()),
            ("set timer", timers),
            ("cancelled timer", self.timers_cancelled.clone()),
            ("claimed", self.claimed.clone()),
            ("recalled", count(&self.recalled)),
            ("sent", count(&self.sent)),
        ];
        let told = parts.iter().filter(|(_, names)| !names.is_empty());
        told.map(|(verb, names)| format!("; {verb} {}", names.join(", ")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_failed_delivery_says_why_and_when_again() {
        let branch = json!({"depth": 1,
        "message": {"id": "7", "topic": "a", "key": "k", "correlation": "1"},
        "events": [
            {"at": "2026-01-01T00:00:00.000Z", "event": "sent", "to": []},
            {"at": "2026-01-01T00:00:01.500Z", "event": "handled", "subscription": "s",
                "key": "k", "plugin": "p", "version": "ab", "attempt": 2,
                "duration_us": 1500, "fuel": 9,
                "used": {"memory_bytes": 1_114_112, "memory_grown_bytes": 65_536, "host_calls": 3,
                    "bytes_in": 7, "bytes_out": 40},
                "outcome": "retry", "cause": "no\nwhy",
                "due": "later", "effects": {"sent": [], "written": [], "deleted": [],
                    "timers_set": [], "timers_cancelled": [], "recalled": [], "claimed": []}},
        ], "pending": [{"subscription": "s", "attempts": 2, "plugin": "p", "in_service": true}]});
        let branch: Branch = serde_json::from_value(branch).unwrap();
        let began = branch.events[0].at;
        let lines = branch.lines(Some(began));
        assert_eq!(lines[0], "    +0.000 s    a `k` 7");
        let said = "s (p@ab): retry at attempt 2 in 1.500 ms, 9 fuel, 1088 KiB of memory (+64), \
                    3 host calls, 7 B in, 40 B out, again at later: no";
        assert_eq!(lines[1], format!("    +1.500 s      {said}"));
        assert_eq!(lines.len(), 2, "when it comes again is told: {lines:?}");
    }
}
