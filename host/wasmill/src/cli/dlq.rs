//! `wasmill dlq list|show|preview|redrive|purge`: messages that a running host gave up.

mod preview;

use anyhow::anyhow;
use clap::{Args, Subcommand};
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::asking::Asks;
use super::listing::{Page, tell_more};
use super::table;
use crate::app::{DataApi, Failure, encoded, query, tell, understood};

/// What `wasmill dlq` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List dead letters
    List {
        /// Only those of one subscription
        #[arg(long, value_name = "NAME")]
        subscription: Option<String>,
        #[command(flatten)]
        page: Page,
    },
    /// Show a dead letter with its body, as JSON
    Show {
        /// Its id, as `list` shows it
        id: String,
    },
    /// Show what a version of the plugin would do with dead letters, and do nothing of it
    Preview(preview::Preview),
    /// Deliver a dead letter again, or all of a subscription that there are now
    Redrive {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        through: Through,
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
pub(super) struct Which {
    /// Its id, as `list` shows it
    id: Option<String>,
    /// All of this subscription
    #[arg(long, value_name = "NAME")]
    subscription: Option<String>,
}

/// Where dead letters go, and which version handles them.
#[derive(Debug, Args)]
pub(super) struct Through {
    /// To this subscription instead
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// Only by this version of the plugin: its hash, or 8 or more of its first digits
    #[arg(long, value_name = "HASH")]
    version: Option<String>,
}

impl Through {
    fn pairs(&self) -> [(&'static str, Option<&str>); 2] {
        [
            ("to", self.to.as_deref()),
            ("version", self.version.as_deref()),
        ]
    }
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

/// One that could not be delivered again.
#[derive(Deserialize)]
struct Refused {
    id: String,
    cause: String,
}

#[derive(Deserialize)]
struct Message {
    topic: String,
}

impl Asks for Command {
    fn ask(self, api: &DataApi) -> Result<(), Failure> {
        match self {
            Self::List { subscription, page } => {
                let query = page.query(&[("subscription", subscription.as_deref())]);
                let path = format!("/v1/dead-letters{query}");
                page.output.show(api.ask(Method::GET, &path)?, print)
            }
            Self::Show { id } => {
                let letter = api.ask(Method::GET, &place(&id))?;
                tell(format_args!("{letter:#}"))
            }
            Self::Preview(preview) => preview.ask(api),
            Self::Redrive { which, through } => {
                let seen = seen_again(&which, &through);
                let through = through.pairs();
                let answer = match which.id {
                    Some(id) => {
                        let query = query(&through);
                        api.ask(Method::POST, &format!("{}/redrive{query}", place(&id)))
                    }
                    None => {
                        let of = [("subscription", which.subscription.as_deref())];
                        let query = query(&[&of[..], &through].concat());
                        api.ask(Method::POST, &format!("/v1/dead-letters/redrive{query}"))
                    }
                };
                let answer = answer?;
                let count = count(&answer);
                tell(format_args!("redriven: {count}"))?;
                if count > 0 {
                    tell(seen)?;
                }
                match understood(answer["first_refused"].clone())? {
                    None => Ok(()),
                    Some(Refused { id, cause }) => Err(Failure::from(anyhow!(
                        "{} stay, the first of them {id}: {cause}",
                        answer["refused"]
                    ))),
                }
            }
            Self::Purge { which } => {
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

/// How to see the letters that fail again: nobody waits here until they are handled.
fn seen_again(which: &Which, through: &Through) -> String {
    let id = which.id.as_deref();
    let of_id = id.and_then(|id| id.splitn(3, '.').nth(2));
    let sub = through.to.as_deref().or(which.subscription.as_deref());
    let sub = sub.or(of_id).unwrap_or_default();
    format!("those that fail again are new dead letters: wasmill dlq list --subscription {sub}")
}

/// How many it was; one if the host does not count.
fn count(answer: &Value) -> u64 {
    answer["count"].as_u64().unwrap_or(1)
}

fn place(id: &str) -> String {
    format!("/v1/dead-letters/{}", encoded(id))
}

fn print(Letters { dead_letters, next }: Letters) -> Result<(), Failure> {
    if dead_letters.is_empty() {
        return tell("no dead letters");
    }
    let header = ["ID", "TOPIC", "KEY", "ATTEMPTS", "AT", "CAUSE"];
    let row = |letter: Letter| {
        let cause = table::first_line(&letter.cause);
        let (key, attempts) = (letter.key.unwrap_or_default(), letter.attempts.to_string());
        [
            letter.id,
            letter.message.topic,
            key,
            attempts,
            letter.at,
            cause,
        ]
    };
    tell(table::of(header, dead_letters.into_iter().map(row)))?;
    tell_more(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_fail_again_are_found_where_they_went() {
        let of = |id: Option<&str>, subscription: Option<&str>, to: Option<&str>| {
            let which = Which {
                id: id.map(str::to_owned),
                subscription: subscription.map(str::to_owned),
            };
            let through = Through {
                to: to.map(str::to_owned),
                version: None,
            };
            let told = seen_again(&which, &through);
            told.rsplit(' ').next().map(str::to_owned)
        };
        assert_eq!(of(Some("1.2.a.b"), None, None).as_deref(), Some("a.b"));
        assert_eq!(of(None, Some("s"), None).as_deref(), Some("s"));
        assert_eq!(of(Some("1.2.a"), None, Some("t")).as_deref(), Some("t"));
    }
}
