//! `wasmill message show|list|recall`: messages that a running host has in its log, or that wait.

use clap::{Args, Subcommand};
use http::Method;
use serde::Deserialize;

use super::asking::Asks;
use super::listing::{Output, Page, tell_more};
use super::story::{Branch, Event, Log, Message, Pending};
use super::table;
use super::trace::tell_of;
use crate::app::{DataApi, Failure, encoded, query, tell};

/// What `wasmill message` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show a message and what became of it
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        output: Output,
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
pub(super) struct List {
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
    #[command(flatten)]
    page: Page,
}

#[derive(Deserialize)]
struct Story {
    message: Message,
    events: Vec<Event>,
    pending: Option<Vec<Pending>>,
    log: Log,
}

#[derive(Deserialize)]
struct Found {
    messages: Vec<Stored>,
    next: Option<String>,
    log: Log,
}

#[derive(Deserialize)]
struct Stored {
    at: String,
    stored: String,
    message: Message,
}

impl Asks for Command {
    fn ask(self, api: &DataApi) -> Result<(), Failure> {
        match self {
            Self::Show { id, output } => {
                let path = format!("/v1/messages/{}", encoded(&id));
                output.show(api.ask(Method::GET, &path)?, show)
            }
            Self::List(list) => {
                let path = format!("/v1/messages{}", list.query());
                list.page.output.show(api.ask(Method::GET, &path)?, print)
            }
            Self::Recall { id, plugin, key } => {
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
        self.page.query(&[
            ("key", self.key.as_deref()),
            ("topic", self.topic.as_deref()),
            ("correlation", self.correlation.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
        ])
    }
}

fn show(story: Story) -> Result<(), Failure> {
    let Story {
        message,
        events,
        pending,
        log,
    } = story;
    tell(format_args!("flow {}", message.correlation))?;
    let branch = Branch {
        depth: 0,
        message,
        events,
        pending,
    };
    for line in branch.lines(None) {
        tell(line)?;
    }
    tell_of(&log)
}

fn print(page: Found) -> Result<(), Failure> {
    if page.messages.is_empty() {
        tell("no messages")?;
        return tell_of(&page.log);
    }
    let header = ["AT", "STORED", "TOPIC", "KEY", "ID", "CORRELATION"];
    let row = |found: Stored| {
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
    tell_more(page.next)
}
