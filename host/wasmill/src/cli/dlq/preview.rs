//! `wasmill dlq preview`: what a version of a plugin would do with dead letters.

use std::collections::BTreeMap;

use clap::Args;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::super::listing::{Output, tell_more};
use super::super::table::printable;
use super::{Through, place};
use crate::app::{DataApi, Failure, query, tell};

/// Longest part of a value that is shown to people.
const SHOWN_CHARS_MAX: usize = 160;

/// Options of `wasmill dlq preview`.
#[derive(Debug, Args)]
pub(in super::super) struct Preview {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    through: Through,
    /// Only those of the subscription that come after this one
    #[arg(long, value_name = "ID", requires = "subscription")]
    after: Option<String>,
    /// How many of the subscription at most
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    #[command(flatten)]
    output: Output,
}

/// Some dead letters, or those of a subscription.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Their ids, as `list` shows them
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Those of this subscription
    #[arg(long, value_name = "NAME")]
    subscription: Option<String>,
}

#[derive(Deserialize)]
struct Previews {
    plugin: String,
    version: String,
    previews: Vec<Previewed>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Previewed {
    id: String,
    key: Option<String>,
    outcome: String,
    cause: Option<String>,
    fuel: Option<u64>,
    duration_us: Option<u64>,
    effects: Effects,
    prepared: Vec<Named>,
    requests: Vec<String>,
    /// How many more there are than are told, by their kind.
    more: BTreeMap<String, u64>,
    without_files: bool,
}

#[derive(Deserialize)]
struct Effects {
    sent: Vec<Message>,
    delayed: Vec<Later>,
    written: Vec<Entry>,
    deleted: Vec<String>,
    timers_set: Vec<Named>,
    timers_cancelled: Vec<String>,
    recalled: Vec<String>,
    claimed: Vec<String>,
    settled: Vec<Settled>,
}

#[derive(Deserialize)]
struct Message {
    topic: String,
    key: Option<String>,
    body: Option<String>,
    body_bytes: usize,
    body_sha256: Option<String>,
}

#[derive(Deserialize)]
struct Later {
    due: String,
    message: Message,
}

/// A timer, or a half message.
#[derive(Deserialize)]
struct Named {
    name: String,
    due: Option<String>,
    message: Message,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    value: Option<String>,
    value_base64: Option<String>,
    value_bytes: usize,
    value_sha256: Option<String>,
}

#[derive(Deserialize)]
struct Settled {
    message: String,
    decision: String,
}

impl Preview {
    pub(super) fn ask(self, api: &DataApi) -> Result<(), Failure> {
        let through = self.through.pairs();
        let Some(subscription) = self.which.subscription else {
            let asked = query(&through);
            return self.which.ids.iter().try_for_each(|id| {
                let path = format!("{}/preview{asked}", place(id));
                show(&self.output, api.ask(Method::POST, &path)?)
            });
        };
        let limit = self.limit.to_string();
        let of = [
            ("subscription", Some(subscription.as_str())),
            ("after", self.after.as_deref()),
            ("limit", Some(limit.as_str())),
        ];
        let path = format!(
            "/v1/dead-letters/preview{}",
            query(&[&of[..], &through].concat())
        );
        show(&self.output, api.ask(Method::POST, &path)?)
    }
}

fn show(output: &Output, answer: Value) -> Result<(), Failure> {
    output.show(answer, |previews: Previews| {
        let lines = previews.lines();
        lines.iter().try_for_each(|line| tell(printable(line)))?;
        tell_more(previews.next)
    })
}

impl Previews {
    fn lines(&self) -> Vec<String> {
        let version = self.version.get(..12).unwrap_or(&self.version);
        if self.previews.is_empty() {
            return vec!["no dead letters".to_owned()];
        }
        let each = self.previews.iter();
        each.flat_map(|it| it.lines(&self.plugin, version))
            .collect()
    }
}

impl Previewed {
    fn lines(&self, plugin: &str, version: &str) -> Vec<String> {
        let key = self.key.iter().map(|key| format!(" `{key}`"));
        let key: String = key.collect();
        let cause = self.cause.iter().map(|cause| format!(": {cause}"));
        let cause: String = cause.collect();
        let spent = self.fuel.zip(self.duration_us).map(|(fuel, duration)| {
            let millis = duration as f64 / 1_000.0;
            format!("; {fuel} fuel, {millis:.3} ms")
        });
        let mut lines = vec![format!(
            "{}{key} by {plugin} {version}: {}{cause}{}",
            self.id,
            self.outcome,
            spent.unwrap_or_default()
        )];
        let mut tell = |line: String| lines.push(format!("  {line}"));
        self.effects.lines(&mut tell);
        for Named { name, message, .. } in &self.prepared {
            tell(format!("prepares `{name}`, {}", message.line()));
        }
        for request in &self.requests {
            tell(format!(
                "asks {request}: refused, as nothing leaves the host"
            ));
        }
        for (kind, count) in &self.more {
            tell(format!("and {count} more {}", kind.replace('_', " ")));
        }
        if self.without_files {
            tell("had none of the files that it is granted".to_owned());
        }
        lines
    }
}

impl Effects {
    fn lines(&self, tell: &mut impl FnMut(String)) {
        for message in &self.sent {
            tell(format!("sends {}", message.line()));
        }
        for Later { due, message } in &self.delayed {
            tell(format!("sends for {due} {}", message.line()));
        }
        for entry in &self.written {
            tell(format!("writes `{}`: {}", entry.name, entry.line()));
        }
        for name in &self.deleted {
            tell(format!("deletes `{name}`"));
        }
        for Named { name, due, message } in &self.timers_set {
            let due = due.as_deref().unwrap_or_default();
            tell(format!("sets timer `{name}` for {due}, {}", message.line()));
        }
        for name in &self.timers_cancelled {
            tell(format!("cancels timer `{name}`"));
        }
        for id in &self.recalled {
            tell(format!("recalls {id}"));
        }
        for id in &self.claimed {
            tell(format!("claims `{id}`"));
        }
        for Settled { message, decision } in &self.settled {
            tell(format!("settles half message {message}: {decision}"));
        }
    }
}

impl Message {
    fn line(&self) -> String {
        let key = self.key.iter().map(|key| format!(", key `{key}`"));
        let key: String = key.collect();
        let (bytes, sha256) = (self.body_bytes, self.body_sha256.as_deref());
        let body = match &self.body {
            Some(body) => quoted(body, bytes, sha256),
            None => whole(bytes, sha256),
        };
        format!("to `{}`{key}: {body}", self.topic)
    }
}

impl Entry {
    fn line(&self) -> String {
        let (bytes, sha256) = (self.value_bytes, self.value_sha256.as_deref());
        match (&self.value, &self.value_base64) {
            (Some(value), _) => quoted(value, bytes, sha256),
            (None, Some(base64)) if sha256.is_none() && base64.len() <= SHOWN_CHARS_MAX => {
                format!("base64 {base64:?}")
            }
            (None, _) => whole(bytes, sha256),
        }
    }
}

/// A text of so many bytes, or its beginning.
fn quoted(text: &str, bytes: usize, sha256: Option<&str>) -> String {
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    match shown.len() < bytes {
        true => format!("{shown:?}... ({})", whole(bytes, sha256)),
        false => format!("{shown:?}"),
    }
}

/// What tells bytes from others.
fn whole(bytes: usize, sha256: Option<&str>) -> String {
    let hash = sha256.map(|it| format!(", SHA-256 {}", it.get(..12).unwrap_or(it)));
    format!("{bytes} bytes{}", hash.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_preview_is_told_in_a_line_for_each_thing() {
        let message = json!({"topic": "t", "key": "k", "body": "hi", "body_bytes": 2});
        let long = json!({"name": "long", "value": "x".repeat(4_096), "value_bytes": 5_000,
            "value_sha256": "c".repeat(64)});
        let effects = json!({"sent": [message], "delayed": [], "written": [
            {"name": "left", "value": "4", "value_bytes": 1},
            {"name": "raw", "value_base64": "/w==", "value_bytes": 1}, long],
            "deleted": ["old"], "timers_set": [{"name": "soon", "due": "then", "message": message}],
            "timers_cancelled": ["late"], "recalled": [], "claimed": ["once"],
            "settled": [{"message": "7", "decision": "commit"}]});
        let preview = json!({"id": "1.2.s", "key": "k", "outcome": "ok", "cause": null,
            "fuel": 9, "duration_us": 1500, "effects": effects,
            "prepared": [{"name": "pay", "message": message}],
            "requests": ["GET http://a/"], "more": {"requests": 2, "timers_set": 9},
            "without_files": true});
        let previews = json!({"plugin": "p", "version": "b".repeat(64), "previews": [preview],
            "next": null});
        let previews: Previews = serde_json::from_value(previews).unwrap();
        let expected = [
            "1.2.s `k` by p bbbbbbbbbbbb: ok; 9 fuel, 1.500 ms",
            "  sends to `t`, key `k`: \"hi\"",
            "  writes `left`: \"4\"",
            "  writes `raw`: base64 \"/w==\"",
            &format!(
                "  writes `long`: {:?}... (5000 bytes, SHA-256 cccccccccccc)",
                "x".repeat(160)
            ),
            "  deletes `old`",
            "  sets timer `soon` for then, to `t`, key `k`: \"hi\"",
            "  cancels timer `late`",
            "  claims `once`",
            "  settles half message 7: commit",
            "  prepares `pay`, to `t`, key `k`: \"hi\"",
            "  asks GET http://a/: refused, as nothing leaves the host",
            "  and 2 more requests",
            "  and 9 more timers set",
            "  had none of the files that it is granted",
        ];
        assert_eq!(previews.lines(), expected);
    }
}
