//! Replies that wait until what they tell of is durable.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::oneshot;
use wasmill_engine::Engine;
use wasmill_model::{Message, MessageId, Name};

use crate::command::OutcomeSender;
use crate::handle::{AcceptError, Receipt};

/// Something to tell a caller.
pub(crate) enum Reply {
    Accepted(oneshot::Sender<Result<Receipt, AcceptError>>, Receipt),
    Outcome(OutcomeSender, Arc<Message>),
    Operation(Box<dyn FnOnce() + Send>),
}

/// Replies in the order of the barriers that they wait for.
#[derive(Default)]
pub(crate) struct Replies {
    waiting: VecDeque<(u64, Reply)>,
}

impl Replies {
    /// Sends a reply once `barrier` blocks are durable.
    pub(crate) fn push(&mut self, barrier: u64, reply: Reply, durable: u64) {
        match barrier <= durable {
            true => reply.send(),
            false => self.waiting.push_back((barrier, reply)),
        }
    }

    /// Sends what waited for no more than `durable` blocks.
    pub(crate) fn release(&mut self, durable: u64) {
        while self
            .waiting
            .front()
            .is_some_and(|(barrier, _)| *barrier <= durable)
            && let Some((_, reply)) = self.waiting.pop_front()
        {
            reply.send();
        }
    }

    /// Tells all that wait that the store failed.
    pub(crate) fn fail(&mut self, cause: &str) {
        for (_, reply) in self.waiting.drain(..) {
            if let Reply::Accepted(sender, _) = reply {
                let _ = sender.send(Err(AcceptError::Store(cause.to_owned())));
            }
        }
    }
}

impl Reply {
    /// Sends the reply; a caller that went away needs none.
    fn send(self) {
        match self {
            Self::Accepted(sender, receipt) => drop(sender.send(Ok(receipt))),
            Self::Outcome(sender, message) => drop(sender.send(message)),
            Self::Operation(answer) => answer(),
        }
    }
}

/// Callers that wait for the outcome of a flow.
#[derive(Default)]
pub(crate) struct Waiters {
    by_flow: HashMap<MessageId, Vec<(Vec<Name>, OutcomeSender)>>,
}

impl Waiters {
    /// Adds a caller that waits for a message of `flow` on one of `topics`.
    pub(crate) fn add(&mut self, flow: MessageId, topics: Vec<Name>, sender: OutcomeSender) {
        self.by_flow.entry(flow).or_default().push((topics, sender));
    }

    /// Takes the callers whose outcome `message` is.
    pub(crate) fn take(&mut self, message: &Message) -> Vec<OutcomeSender> {
        let Some(waiting) = self.by_flow.get_mut(&message.correlation) else {
            return Vec::new();
        };
        let found = waiting.extract_if(.., |(topics, _)| topics.contains(&message.topic));
        let found = found.map(|(_, sender)| sender).collect();
        if waiting.is_empty() {
            self.by_flow.remove(&message.correlation);
        }
        found
    }

    /// Forgets callers that wait no more.
    pub(crate) fn purge(&mut self, engine: &mut Engine) {
        self.by_flow.retain(|flow, waiting| {
            let before = waiting.len();
            waiting.retain(|(_, sender)| !sender.is_closed());
            (waiting.len()..before).for_each(|_| engine.unwatch(*flow));
            !waiting.is_empty()
        });
    }
}
