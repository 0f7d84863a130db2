//! Whose stories are told.

use std::collections::BTreeSet;

use wasmill_model::{Message, MessageId};

use super::event;
use super::sieve::Sieve;

/// Whose stories are told.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// That of one message, with its body.
    Message(MessageId),
    /// Those of all messages of some flows, without bodies.
    Flows(BTreeSet<MessageId>),
}

impl Wanted {
    pub(super) fn has(&self, message: &Message) -> bool {
        match self {
            Self::Message(id) => message.id == *id,
            Self::Flows(flows) => flows.contains(&message.correlation),
        }
    }

    pub(super) fn sieve(&self) -> Sieve {
        match self {
            Self::Message(id) => Sieve::of_ids([id]),
            Self::Flows(flows) => Sieve::of_ids(flows),
        }
    }

    pub(super) fn keep(&self, message: &Message) -> Message {
        match self {
            Self::Message(_) => message.clone(),
            Self::Flows(_) => event::without_body(message),
        }
    }
}
