//! `wasmill tx prepare|commit|rollback|list|show`: half messages.

use clap::Subcommand;
use http::Method;
use serde::Deserialize;

use super::asking::Asks;
use super::listing::{Page, tell_more};
use super::outgoing::Outgoing;
use super::table;
use crate::app::{DataApi, Failure, encoded, tell, understood};

/// What `wasmill tx` does.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List transactions that are not settled, those that are abandoned among them
    List {
        #[command(flatten)]
        page: Page,
    },
    /// Show a transaction with its message, or what was decided, as JSON
    Show {
        /// Its id, as `list` shows it
        id: String,
    },
    /// Prepare a half message: it is delivered once its transaction is committed
    Prepare {
        /// The topic
        topic: String,
        #[command(flatten)]
        message: Box<Outgoing>,
        /// Where the host asks what is to become of it: `http://host:port/path`
        #[arg(long, value_name = "URL")]
        check_url: Option<String>,
    },
    /// Commit a transaction: its message is delivered
    Commit {
        /// Its id, as `list` shows it
        id: String,
    },
    /// Roll a transaction back: its message is never delivered
    Rollback {
        /// Its id, as `list` shows it
        id: String,
    },
}

#[derive(Deserialize)]
struct Transactions {
    transactions: Vec<Transaction>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Transaction {
    transaction: String,
    state: String,
    plugin: Option<String>,
    check_url: Option<String>,
    prepared_at: String,
    checks: u32,
    cause: Option<String>,
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    topic: String,
    key: Option<String>,
}

#[derive(Deserialize)]
struct Prepared {
    transaction: String,
}

#[derive(Deserialize)]
struct Stands {
    state: String,
    before: bool,
}

impl Asks for Command {
    fn ask(self, api: &DataApi) -> Result<(), Failure> {
        match self {
            Self::List { page } => {
                let path = format!("/v1/transactions{}", page.query(&[]));
                page.output.show(api.ask(Method::GET, &path)?, list)
            }
            Self::Show { id } => {
                let path = format!("/v1/transactions/{}", encoded(&id));
                tell(format_args!("{:#}", api.ask(Method::GET, &path)?))
            }
            Self::Prepare {
                topic,
                message,
                check_url,
            } => {
                let mut message = message.message(&topic)?;
                message["check_url"] = check_url.into();
                let answer = api.tell(Method::POST, "/v1/transactions", &message)?;
                let Prepared { transaction } = understood(answer)?;
                tell(transaction)
            }
            Self::Commit { id } => settle(api, &id, "commit"),
            Self::Rollback { id } => settle(api, &id, "rollback"),
        }
    }
}

fn settle(api: &DataApi, id: &str, what: &str) -> Result<(), Failure> {
    let path = format!("/v1/transactions/{}/{what}", encoded(id));
    let Stands { state, before } = understood(api.ask(Method::POST, &path)?)?;
    match before {
        true => tell(format_args!("{state} before")),
        false => tell(state),
    }
}

fn list(Transactions { transactions, next }: Transactions) -> Result<(), Failure> {
    if transactions.is_empty() {
        return tell("no unsettled transactions");
    }
    let header = [
        "TRANSACTION",
        "STATE",
        "TOPIC",
        "KEY",
        "OWNER",
        "PREPARED",
        "CHECKS",
        "CAUSE",
    ];
    let row = |it: Transaction| {
        let owner = it.plugin.or(it.check_url).unwrap_or_default();
        let cause = table::first_line(&it.cause.unwrap_or_default());
        let Message { topic, key } = it.message;
        [
            it.transaction,
            it.state,
            topic,
            key.unwrap_or_default(),
            owner,
            it.prepared_at,
            it.checks.to_string(),
            cause,
        ]
    };
    tell(table::of(header, transactions.into_iter().map(row)))?;
    tell_more(next)
}
