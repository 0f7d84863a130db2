//! `wasmill dlq list|show|redrive|purge`: messages that a running host gave up.

use clap::{Args, Subcommand};
use comfy_table::Table;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

use crate::app::{DataApi, Failure, tell};

/// Options of `wasmill dlq`.
#[derive(Debug, Args)]
pub(super) struct Dlq {
    #[command(flatten)]
    api: DataApi,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List dead letters
    List {
        /// Only those of one subscription
        #[arg(long, value_name = "NAME")]
        subscription: Option<String>,
        /// Only those after this one
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// How many at most
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Print the host's JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a dead letter with its body, as JSON
    Show {
        /// Its id, as `list` shows it
        id: String,
    },
    /// Deliver a dead letter again, or all of a subscription that there are now
    Redrive {
        #[command(flatten)]
        which: Which,
        /// Deliver to this subscription instead
        #[arg(long, value_name = "NAME")]
        to: Option<String>,
    },
    /// Do away with a dead letter, or with all of a subscription that there are now
    Purge {
        #[command(flatten)]
        which: Which,
    },
}

/// One dead letter, or those of a subscription.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Its id, as `list` shows it
    id: Option<String>,
    /// All of this subscription
    #[arg(long, value_name = "NAME")]
    subscription: Option<String>,
}

#[derive(Deserialize)]
struct Letters {
    dead_letters: Vec<Letter>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Letter {
    id: String,
    key: Option<String>,
    attempts: u32,
    at: String,
    cause: String,
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    topic: String,
}

impl Dlq {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { api, command } = self;
        match command {
            Command::List {
                subscription,
                after,
                limit,
                json,
            } => {
                let limit = limit.to_string();
                let query = query(&[
                    ("subscription", subscription.as_deref()),
                    ("after", after.as_deref()),
                    ("limit", Some(&limit)),
                ]);
                let letters = api.ask(Method::GET, &format!("/v1/dead-letters{query}"))?;
                match json {
                    true => tell(format_args!("{letters:#}")),
                    false => print(letters),
                }
            }
            Command::Show { id } => {
                let letter = api.ask(Method::GET, &place(&id))?;
                tell(format_args!("{letter:#}"))
            }
            Command::Redrive { which, to } => {
                let answer = match which.id {
                    Some(id) => {
                        let query = query(&[("to", to.as_deref())]);
                        api.ask(Method::POST, &format!("{}/redrive{query}", place(&id)))
                    }
                    None => {
                        let subscription = which.subscription.as_deref();
                        let query = query(&[("subscription", subscription), ("to", to.as_deref())]);
                        api.ask(Method::POST, &format!("/v1/dead-letters/redrive{query}"))
                    }
                };
                tell(format_args!("redriven: {}", count(&answer?)))
            }
            Command::Purge { which } => {
                let answer = match which.id {
                    Some(id) => api.ask(Method::DELETE, &place(&id)),
                    None => {
                        let query = query(&[("subscription", which.subscription.as_deref())]);
                        api.ask(Method::DELETE, &format!("/v1/dead-letters{query}"))
                    }
                };
                tell(format_args!("purged: {}", count(&answer?)))
            }
        }
    }
}

/// How many it was; one if the host does not count.
fn count(answer: &Value) -> u64 {
    answer["count"].as_u64().unwrap_or(1)
}

fn place(id: &str) -> String {
    format!("/v1/dead-letters/{}", encoded(id))
}

fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let given = pairs
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", encoded((*value)?))));
    match given.collect::<Vec<_>>() {
        given if given.is_empty() => String::new(),
        given => format!("?{}", given.join("&")),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn print(letters: Value) -> Result<(), Failure> {
    let letters = serde_json::from_value::<Letters>(letters);
    let Letters { dead_letters, next } =
        letters.map_err(|error| anyhow::anyhow!("the host's answer is not understood: {error}"))?;
    if dead_letters.is_empty() {
        return tell("no dead letters");
    }
    let mut table = Table::new();
    table.load_preset(comfy_table::presets::NOTHING);
    table.set_header(["ID", "TOPIC", "KEY", "ATTEMPTS", "AT", "CAUSE"]);
    for letter in dead_letters {
        // The first line says what; a backtrace may follow.
        let cause = letter.cause.lines().next().unwrap_or_default().to_owned();
        let key = letter.key.unwrap_or_default();
        let attempts = letter.attempts.to_string();
        let topic = letter.message.topic;
        table.add_row([letter.id, topic, key, attempts, letter.at, cause]);
    }
    tell(table)?;
    match next {
        Some(next) => tell(format_args!("more: --after {next}")),
        None => Ok(()),
    }
}
