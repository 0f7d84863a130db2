//! `wasmill message show|list|recall`: messages in the log of a running host.

use clap::{Args, Subcommand};
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::story::{Branch, Event, Log, Message};
use super::table;
use super::trace::tell_of;
use crate::app::{DataApi, Failure, encoded, query, tell, understood};

/// Options of `wasmill message`.
#[derive(Debug, Args)]
pub(super) struct Messages {
    #[command(flatten)]
    api: DataApi,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a message and what became of it
    Show {
        /// Its id
        id: String,
        /// Print the host's JSON, with the body
        #[arg(long)]
        json: bool,
    },
    /// List messages, newest first
    List(List),
    /// Recall a delayed message: no handler had it, and none will
    Recall {
        /// What `send` told to recall it by; or its id, if a plugin sent it
        id: String,
        /// The plugin that sent it
        #[arg(long, requires = "key")]
        plugin: Option<String>,
        /// The key under which the plugin sent it
        #[arg(long, requires = "plugin")]
        key: Option<String>,
    },
}

#[derive(Debug, Args)]
struct List {
    /// Only those with this key, or that a subscription has under it
    #[arg(long)]
    key: Option<String>,
    /// Only those of this topic
    #[arg(long)]
    topic: Option<String>,
    /// Only those of this flow
    #[arg(long, value_name = "ID")]
    correlation: Option<String>,
    /// Only those stored at this time or later, such as `2027-01-31T08:00:00Z`
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only those stored before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only those that come after this place in the list
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Print the host's JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Story {
    message: Message,
    events: Vec<Event>,
    log: Log,
}

#[derive(Deserialize)]
struct Page {
    messages: Vec<Found>,
    next: Option<String>,
    log: Log,
}

#[derive(Deserialize)]
struct Found {
    at: String,
    stored: String,
    message: Message,
}

impl Messages {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { api, command } = self;
        match command {
            Command::Show { id, json } => {
                let path = format!("/v1/messages/{}", encoded(&id));
                let answer = api.ask(Method::GET, &path)?;
                match json {
                    true => tell(format_args!("{answer:#}")),
                    false => show(answer),
                }
            }
            Command::List(list) => {
                let answer = api.ask(Method::GET, &format!("/v1/messages{}", list.query()))?;
                match list.json {
                    true => tell(format_args!("{answer:#}")),
                    false => print(understood(answer)?),
                }
            }
            Command::Recall { id, plugin, key } => {
                let query = query(&[("plugin", plugin.as_deref()), ("key", key.as_deref())]);
                let path = format!("/v1/messages/{}{query}", encoded(&id));
                api.ask(Method::DELETE, &path)?;
                tell("recalled")
            }
        }
    }
}

impl List {
    fn query(&self) -> String {
        let limit = self.limit.to_string();
        query(&[
            ("key", self.key.as_deref()),
            ("topic", self.topic.as_deref()),
            ("correlation", self.correlation.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("after", self.after.as_deref()),
            ("limit", Some(&limit)),
        ])
    }
}

fn show(answer: Value) -> Result<(), Failure> {
    let Story {
        message,
        events,
        log,
    } = understood(answer)?;
    tell(format_args!("flow {}", message.correlation))?;
    let branch = Branch {
        depth: 0,
        message,
        events,
    };
    for line in branch.lines(None) {
        tell(line)?;
    }
    tell_of(&log)
}

fn print(page: Page) -> Result<(), Failure> {
    if page.messages.is_empty() {
        tell("no messages")?;
        return tell_of(&page.log);
    }
    let header = ["AT", "STORED", "TOPIC", "KEY", "ID", "CORRELATION"];
    let row = |found: Found| {
        let Message {
            id,
            topic,
            key,
            correlation,
        } = found.message;
        let key = key.unwrap_or_default();
        [found.at, found.stored, topic, key, id, correlation]
    };
    tell(table::of(header, page.messages.into_iter().map(row)))?;
    tell_of(&page.log)?;
    match page.next {
        Some(next) => tell(format_args!("more: --after {next}")),
        None => Ok(()),
    }
}
