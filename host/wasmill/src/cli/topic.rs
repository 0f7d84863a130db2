//! `wasmill topic list|show`: what may be sent to, under which policies, and who receives it.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Subcommand;
use http::Method;
use serde::Deserialize;

use super::asking::Asks;
use super::listing::{Output, Page, tell_more};
use super::table;
use crate::app::{DataApi, Failure, encoded, tell};

/// What `wasmill topic` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the declared topics, and what comes in there
    List {
        #[command(flatten)]
        page: Page,
    },
    /// Show a topic's policies, quotas and subscriptions
    Show {
        /// The topic, or a prefix as it is declared
        name: String,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Deserialize)]
struct Topics {
    topics: Vec<Shown>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    name: String,
    body_bytes_max: u64,
    headers_bytes_max: u64,
    headers_count_max: u64,
    retention_seconds: Option<u64>,
    pending_max: Option<u64>,
    messages: Option<Rate>,
    bytes: Option<Rate>,
    outside: u64,
    inside: u64,
    refused: BTreeMap<String, u64>,
    subscriptions: Vec<Subscriber>,
}

#[derive(Deserialize)]
struct Rate {
    per_second: u64,
    burst: u64,
    used: u64,
}

#[derive(Deserialize)]
struct Subscriber {
    name: String,
    pending: u64,
}

impl Asks for Command {
    fn ask(self, api: &DataApi) -> Result<(), Failure> {
        match self {
            Self::List { page } => {
                let path = format!("/v1/topics{}", page.query(&[]));
                page.output.show(api.ask(Method::GET, &path)?, list)
            }
            Self::Show { name, output } => {
                let path = format!("/v1/topics/{}", encoded(&name));
                output.show(api.ask(Method::GET, &path)?, show)
            }
        }
    }
}

fn list(Topics { topics, next }: Topics) -> Result<(), Failure> {
    if topics.is_empty() {
        return tell("no topics");
    }
    let header = [
        "NAME",
        "SUBSCRIPTIONS",
        "PENDING",
        "OUTSIDE",
        "INSIDE",
        "REFUSED",
    ];
    let row = |it: Shown| {
        let pending: u64 = it.subscriptions.iter().map(|sub| sub.pending).sum();
        let refused: u64 = it.refused.values().sum();
        let count = it.subscriptions.len() as u64;
        let numbers = [count, pending, it.outside, it.inside, refused];
        let [count, pending, outside, inside, refused] = numbers.map(|it| it.to_string());
        [it.name, count, pending, outside, inside, refused]
    };
    tell(table::of(header, topics.into_iter().map(row)))?;
    tell_more(next)
}

fn show(topic: Shown) -> Result<(), Failure> {
    let none = || "-".to_owned();
    let retention = topic.retention_seconds.map(Duration::from_secs);
    let retention = retention.map(|it| humantime::format_duration(it).to_string());
    let policies = [
        ("body_bytes_max", topic.body_bytes_max.to_string()),
        ("headers_bytes_max", topic.headers_bytes_max.to_string()),
        ("headers_count_max", topic.headers_count_max.to_string()),
        ("retention", retention.unwrap_or_else(none)),
        (
            "pending_max",
            topic.pending_max.map_or_else(none, |it| it.to_string()),
        ),
        ("messages a second", used(topic.messages)),
        ("bytes a second", used(topic.bytes)),
        ("from outside", topic.outside.to_string()),
        ("from inside", topic.inside.to_string()),
    ];
    let policies = policies.map(|(name, value)| [name.to_owned(), value]);
    tell(table::of(["TOPIC", &topic.name], policies))?;
    if !topic.refused.is_empty() {
        let row = |(cause, count): (String, u64)| [cause, count.to_string()];
        tell(table::of(
            ["REFUSED", "MESSAGES"],
            topic.refused.into_iter().map(row),
        ))?;
    }
    if topic.subscriptions.is_empty() {
        return tell("no subscriptions");
    }
    let row = |sub: Subscriber| [sub.name, sub.pending.to_string()];
    tell(table::of(
        ["SUBSCRIPTION", "PENDING"],
        topic.subscriptions.into_iter().map(row),
    ))
}

fn used(rate: Option<Rate>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(rate) => format!("{}, {} of {} used", rate.per_second, rate.used, rate.burst),
    }
}
