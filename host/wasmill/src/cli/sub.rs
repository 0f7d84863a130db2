//! `wasmill sub list|halted|resume|position|move`: the subscriptions of a running host.

use clap::Subcommand;
use http::Method;
use serde::Deserialize;

use super::asking::Asks;
use super::listing::Output;
use super::table;
use crate::app::{DataApi, Failure, encoded, query, tell, understood};

/// What `wasmill sub` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the subscriptions, and how they stand
    List {
        #[command(flatten)]
        output: Output,
    },
    /// List the keys that a subscription halted, since their first message failed for good
    Halted {
        /// The subscription
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Set halted keys going again, by delivering the message that failed once more
    Resume {
        /// The subscription
        name: String,
        /// Only this key
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// Make the message that failed a dead letter, and go on with the next one
        #[arg(long)]
        give_up: bool,
    },
    /// Show where a subscription stands
    Position {
        /// The subscription
        name: String,
        #[command(flatten)]
        output: Output,
    },
    /// Move a subscription: what waits is dropped, and what the log has from there on is delivered anew
    Move {
        /// The subscription
        name: String,
        /// `first`, `last`, or a time such as `2027-01-31T08:00:00Z`
        #[arg(long, value_name = "WHERE")]
        to: String,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Deserialize)]
struct Subscriptions {
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
struct Subscription {
    name: String,
    pending: u64,
    running: u64,
    dead_letters: u64,
}

#[derive(Deserialize)]
struct HaltedKeys {
    halted: Vec<Halted>,
}

#[derive(Deserialize)]
struct Halted {
    key: Option<String>,
    topic: String,
    message: String,
    attempts: u32,
    behind: u64,
    cause: String,
}

#[derive(Deserialize)]
struct Position {
    since: String,
    pending: u64,
    oldest: Option<String>,
    moving: Option<Moving>,
}

#[derive(Deserialize)]
struct Moving {
    step: String,
    from: Option<String>,
}

#[derive(Deserialize)]
struct Count {
    count: u64,
}

impl Asks for Command {
    fn ask(self, api: &DataApi) -> Result<(), Failure> {
        match self {
            Self::List { output } => output.show(api.ask(Method::GET, "/v1/subscriptions")?, list),
            Self::Halted { name, output } => {
                output.show(api.ask(Method::GET, &at(&name, "halted"))?, halted)
            }
            Self::Resume { name, key, give_up } => {
                let query = query(&[
                    ("key", key.as_deref()),
                    ("give_up", give_up.then_some("true")),
                ]);
                let path = at(&name, "resume") + &query;
                let Count { count } = understood(api.ask(Method::POST, &path)?)?;
                tell(format_args!("resumed: {count}"))
            }
            Self::Position { name, output } => {
                output.show(api.ask(Method::GET, &at(&name, "position"))?, position)
            }
            Self::Move { name, to, output } => {
                let path = at(&name, "position") + &query(&[("to", Some(&to))]);
                output.show(api.ask(Method::POST, &path)?, position)
            }
        }
    }
}

fn at(name: &str, what: &str) -> String {
    format!("/v1/subscriptions/{}/{what}", encoded(name))
}

fn list(Subscriptions { subscriptions }: Subscriptions) -> Result<(), Failure> {
    let header = ["NAME", "PENDING", "RUNNING", "DEAD SINCE START"];
    let row = |sub: Subscription| {
        let numbers = [sub.pending, sub.running, sub.dead_letters];
        let [pending, running, dead] = numbers.map(|number| number.to_string());
        [sub.name, pending, running, dead]
    };
    tell(table::of(header, subscriptions.into_iter().map(row)))
}

fn position(it: Position) -> Result<(), Failure> {
    let header = ["SINCE", "PENDING", "OLDEST", "MOVING"];
    let moving = it.moving.as_ref().map(Moving::text);
    let [oldest, moving] = [it.oldest, moving].map(|it| it.unwrap_or_else(|| "-".to_owned()));
    let row = [it.since, it.pending.to_string(), oldest, moving];
    tell(table::of(header, [row]))
}

impl Moving {
    /// What is done now. What a move to `first` replays from is the beginning of time.
    fn text(&self) -> String {
        match (self.step.as_str(), self.from.as_deref()) {
            ("replay", Some(from)) if from.starts_with("1970-01-01T00:00:00") => {
                "replaying from the beginning".to_owned()
            }
            ("replay", Some(from)) => format!("replaying from {from}"),
            _ => "dropping what waits".to_owned(),
        }
    }
}

fn halted(HaltedKeys { halted }: HaltedKeys) -> Result<(), Failure> {
    if halted.is_empty() {
        return tell("no halted keys");
    }
    let header = ["KEY", "TOPIC", "MESSAGE", "ATTEMPTS", "BEHIND", "CAUSE"];
    let row = |it: Halted| {
        let [attempts, behind] = [u64::from(it.attempts), it.behind].map(|it| it.to_string());
        let key = it.key.unwrap_or_default();
        let cause = table::first_line(&it.cause);
        [key, it.topic, it.message, attempts, behind, cause]
    };
    tell(table::of(header, halted.into_iter().map(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_told_by_what_it_does_now() {
        let beginning = "1970-01-01T00:00:00.000Z";
        for (step, from, said) in [
            ("drop", Some(beginning), "dropping what waits"),
            ("drop", None, "dropping what waits"),
            ("replay", Some(beginning), "replaying from the beginning"),
            ("replay", Some("2027-01-31"), "replaying from 2027-01-31"),
        ] {
            let (step, from) = (step.to_owned(), from.map(str::to_owned));
            assert_eq!(Moving { step, from }.text(), said);
        }
    }
}
