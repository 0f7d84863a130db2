//! Half messages: durable before anybody knows whether they are to be delivered.
//!
//! Who prepares one acts in the outside world next, then commits it or rolls it back. One that
//! stays unsettled is asked about, until somebody decides. As in RocketMQ's transactional
//! messages, but a half message may be delayed, and keeps its key, tag and order.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::effects::Scope;
use crate::limits::CAUSE_BYTES_MAX;
use crate::{Message, MessageId, Millis, Name, When};

/// A message that is delivered once it is committed, or never.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Half {
    /// What is delivered; its id is the half's too.
    pub message: Arc<Message>,
    /// When, counted from the commit.
    pub deliver: When,
    /// Who prepared it, and is asked about it.
    pub owner: Owner,
    /// When it was prepared.
    pub prepared_at: Millis,
    /// How often its owner was asked and did not know.
    pub checks: u32,
    /// When its owner is asked next; none once it is abandoned, and only an operator or its owner
    /// decides.
    pub next_check: Option<Millis>,
    /// Why the last check brought no decision.
    pub cause: Option<String>,
}

/// Who prepared a half message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// A handler: its plugin's `checker` is asked.
    Plugin {
        /// The scope of the handler.
        scope: Scope,
        /// The half's name in it.
        name: Name,
    },
    /// A producer outside.
    Producer {
        /// The URL at which it is asked; without one only the producer itself, an operator, or
        /// the policy decides.
        check_url: Option<Name>,
    },
}

/// What the scope's state has under a half message's name, until the handler has seen what became
/// of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// It is unsettled.
    Open(Half),
    /// A check, an operator or the policy decided.
    Decided(Decision),
}

/// What becomes of a half message. The first decision stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decision {
    /// It is delivered.
    Commit,
    /// It never is.
    RollBack,
}

impl Half {
    /// Its id, which is that of its message.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.message.id
    }

    /// About how many bytes of memory it holds.
    #[must_use]
    pub fn footprint(&self) -> usize {
        let owner = match &self.owner {
            Owner::Plugin { scope, name } => scope.plugin.len() + scope.key.len() + name.len(),
            Owner::Producer { check_url } => check_url.as_ref().map_or(0, |url| url.len()),
        };
        // Room for a cause, which comes later.
        size_of::<Self>() + self.message.footprint() + owner + CAUSE_BYTES_MAX
    }
}

/// Host and port of a URL at which a producer is asked.
#[must_use]
pub fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// How long a decision is remembered, so that a late one is told of it: as long as RocketMQ keeps
/// a half message.
pub const DECISION_KEPT: Duration = Duration::from_secs(72 * 3600);

/// When and how often the owner of an unsettled half message is asked. By default as in RocketMQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckPolicy {
    /// How long after it was prepared its owner is asked first.
    pub first: Duration,
    /// How long from one question to the next.
    pub interval: Duration,
    /// After so many questions without a decision it is at its end.
    pub count_max: u32,
    /// What becomes of it then.
    pub on_exhausted: OnUndecided,
    /// Hosts at which producers may be asked: `host:port`.
    pub check_hosts: Vec<Name>,
}

/// What becomes of a half message that nobody decides about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUndecided {
    /// It stays, visible, and is asked about no more.
    #[default]
    Abandon,
    /// It is delivered.
    Commit,
    /// It never is.
    RollBack,
}

impl Default for CheckPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(6),
            interval: Duration::from_secs(30),
            count_max: 15,
            on_exhausted: OnUndecided::Abandon,
            check_hosts: Vec::new(),
        }
    }
}
