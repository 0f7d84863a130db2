//! A call: what a handler does, buffered until it ends.
//!
//! The semantics of the host's interfaces live here, so that every adapter of guests, the real
//! one and those of tests, has the same. Nothing leaves a call but its [`Effects`].

mod dedup;
mod halves;
pub(crate) mod names;
mod schema;
mod timers;
mod twin;

pub use halves::{HalfState, Preparer, Preparing};
pub use timers::Alarm;

use std::sync::Arc;

use bytes::Bytes;
use wasmill_model::effects::{Delayed, Effects, Failure, FailureKind, Scope, Uniqueness};
use wasmill_model::limits::{self, Exceeded, within};
use wasmill_model::routes::{CallLimits, DedupPolicy};
use wasmill_model::{Message, MessageId, Millis, Name, When, reserved, trace};

use crate::run::{Delivery, RunContext};
use crate::scope::ScopeState;
use crate::store;

/// Why a host call was refused. A refused call changes nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The message has no key.
    #[error("the message has no key, and state, timers and dedup claims belong to one")]
    NoKey,
    /// Over a limit.
    #[error(transparent)]
    Limit(#[from] Exceeded),
    /// The topic is not declared.
    #[error("topic `{0}` is not declared in the routes")]
    UnknownTopic(String),
    /// An argument is malformed.
    #[error("{0}")]
    Invalid(String),
    /// The store could not be read.
    #[error("the store could not be read: {0}")]
    Unavailable(String),
}

impl From<store::Error> for CallError {
    fn from(error: store::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// A message as a handler sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The topic.
    pub topic: Name,
    /// The key.
    pub key: Option<Name>,
    /// The tag.
    pub tag: Option<Name>,
    /// The headers.
    pub headers: Vec<(Name, Name)>,
    /// The body.
    pub body: Bytes,
    /// When to deliver it.
    pub when: When,
}

/// One handler call in progress. It is large, and handed from one to the other: always boxed.
pub struct Call {
    context: Arc<RunContext>,
    delivery: Delivery,
    limits: CallLimits,
    state: Option<ScopeState>,
    effects: Effects,
    sent_count: u32,
    effect_bytes: usize,
    halves: halves::OfCall,
    uniqueness: Uniqueness,
    /// None until it matters.
    schema: Option<schema::OfCall>,
}

impl Call {
    pub(crate) fn new(
        context: Arc<RunContext>,
        limits: CallLimits,
        delivery: Delivery,
        state: Option<ScopeState>,
    ) -> Box<Self> {
        Box::new(Self {
            context,
            delivery,
            limits,
            state,
            effects: Effects::default(),
            sent_count: 0,
            effect_bytes: 0,
            halves: halves::OfCall::default(),
            uniqueness: Uniqueness::default(),
            schema: None,
        })
    }

    /// The message and how it is delivered.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The platform's time.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.context.clock.now()
    }

    /// Bytes sent and written so far, as `effect_bytes_max` counts them.
    #[must_use]
    pub fn effect_bytes(&self) -> usize {
        self.effect_bytes
    }

    /// Sends a message; returns its id.
    ///
    /// # Errors
    /// [`CallError`] for an undeclared topic, or a part of the message over its limit.
    pub fn send(&mut self, outgoing: Outgoing) -> Result<MessageId, CallError> {
        self.check(&outgoing)?;
        Ok(self.send_checked(outgoing))
    }

    /// Sends all of the messages or none; returns their ids.
    ///
    /// # Errors
    /// As [`Call::send`], for the first message that is refused.
    pub fn send_many(&mut self, all: Vec<Outgoing>) -> Result<Vec<MessageId>, CallError> {
        let before = (self.sent_count, self.effect_bytes);
        let checked = all.iter().try_for_each(|outgoing| {
            self.check(outgoing)?;
            self.sent_count += 1;
            Ok(())
        });
        self.sent_count = before.0;
        if let Err(error) = checked {
            self.effect_bytes = before.1;
            return Err(error);
        }
        Ok(all
            .into_iter()
            .map(|outgoing| self.send_checked(outgoing))
            .collect())
    }

    /// Recalls a delayed message of this scope: true if it was still undelivered.
    ///
    /// # Errors
    /// [`CallError::NoKey`] without a key.
    pub fn recall(&mut self, id: MessageId) -> Result<bool, CallError> {
        self.forget_timer(&reserved::recallable(id))
    }

    /// The value of `name` in the key's state.
    ///
    /// # Errors
    /// [`CallError`] without a key, or for a malformed name.
    pub fn get(&self, name: &str) -> Result<Option<Bytes>, CallError> {
        self.state
            .as_ref()
            .ok_or(CallError::NoKey)?
            .get_for_guest(name)
    }

    /// Writes `name` in the key's state; none deletes it.
    ///
    /// # Errors
    /// [`CallError`] without a key, for a malformed name, or over a limit.
    pub fn put(&mut self, name: &str, value: Option<Bytes>) -> Result<(), CallError> {
        let bytes = names::check_entry(name, value.as_ref())?;
        self.account(bytes)?;
        self.state_mut()?.set(name.into(), value);
        Ok(())
    }

    /// Names of the key's state that begin with `prefix`, after `after` if given, with values.
    ///
    /// # Errors
    /// [`CallError::NoKey`] without a key.
    pub fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(Name, Bytes)>, CallError> {
        let state = self.state.as_ref().ok_or(CallError::NoKey)?;
        state.scan_for_guest(prefix, after, limit)
    }

    /// Whether the message still wants handling: false for a timer that was cancelled or moved
    /// after it fell due, and for a duplicate. A timer is the plugin's own, and never a duplicate.
    pub(crate) fn is_wanted(&mut self, dedup: Option<&DedupPolicy>) -> Result<bool, CallError> {
        if self.delivery.message.timer.is_some() {
            return self.is_own_timer_wanted();
        }
        if let Some(policy) = dedup {
            self.uniqueness = self.claim_message(policy)?;
        }
        Ok(self.uniqueness != Uniqueness::Duplicate)
    }

    /// What the subscription's dedup policy said of the message.
    pub(crate) fn uniqueness(&self) -> Uniqueness {
        self.uniqueness
    }

    pub(crate) fn finish(
        mut self: Box<Self>,
        result: Result<(), Failure>,
    ) -> (Result<Effects, Failure>, Option<ScopeState>) {
        // A timer whose entry cannot be read now would be pending although it rang.
        let result = result.and_then(|()| Ok(self.consume_own_timer()?));
        let result = result.and_then(|()| Ok(self.note_schema()?));
        match result {
            Ok(()) => {
                if let Some(state) = &mut self.state {
                    self.effects.writes = state.commit();
                }
                (Ok(self.effects), self.state)
            }
            Err(mut failure) => {
                if let Some(state) = &mut self.state {
                    state.roll_back();
                }
                cut(&mut failure.cause, limits::CAUSE_BYTES_MAX);
                (Err(failure), self.state)
            }
        }
    }

    fn check(&mut self, outgoing: &Outgoing) -> Result<(), CallError> {
        let Some(topic) = self.context.routes.topic(&outgoing.topic) else {
            return Err(CallError::UnknownTopic(outgoing.topic.to_string()));
        };
        names::check_message(
            &topic.limits,
            outgoing.key.as_ref(),
            outgoing.tag.as_ref(),
            &outgoing.headers,
            &outgoing.body,
        )?;
        within(
            "sends per call",
            self.sent_count as usize + self.halves.prepared + 1,
            self.limits.sends_max,
        )?;
        self.account(outgoing.body.len() + outgoing.topic.len())
    }

    fn send_checked(&mut self, outgoing: Outgoing) -> MessageId {
        let due = self.due(outgoing.when);
        let Outgoing {
            topic,
            key,
            tag,
            headers,
            body,
            ..
        } = outgoing;
        let message = self.message(topic, key, tag, headers, body, due, None);
        let id = message.id;
        match due {
            None => self
                .effects
                .sends
                .push(self.context.routes.fan_out(message)),
            Some(due) => {
                let scope = self.state.as_ref().map(|state| state.scope().clone());
                self.delay(
                    Delayed {
                        due,
                        message,
                        scope,
                    },
                    reserved::recallable(id),
                );
            }
        }
        id
    }

    /// Builds a message that this call sends.
    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of a message, each used once"
    )]
    fn message(
        &mut self,
        topic: Name,
        key: Option<Name>,
        tag: Option<Name>,
        mut headers: Vec<(Name, Name)>,
        body: Bytes,
        due: Option<Millis>,
        timer: Option<Name>,
    ) -> Arc<Message> {
        let cause = &self.delivery.message;
        trace::carry_on(&mut headers, cause);
        let id = cause.id.sent(&self.delivery.subscription, self.sent_count);
        self.sent_count += 1;
        Arc::new(Message {
            id,
            topic,
            key,
            tag,
            headers,
            body,
            produced_at: due.unwrap_or_else(|| self.now()),
            correlation: cause.correlation,
            causation: Some(cause.id),
            timer,
        })
    }

    /// When a delayed message is due; none for one to be sent at once.
    fn due(&self, when: When) -> Option<Millis> {
        when.due(self.now())
    }

    fn account(&mut self, bytes: usize) -> Result<(), CallError> {
        let total = self.effect_bytes.saturating_add(bytes);
        within(
            "bytes sent and written per call",
            total,
            self.limits.effect_bytes_max,
        )?;
        self.effect_bytes = total;
        Ok(())
    }

    fn state_mut(&mut self) -> Result<&mut ScopeState, CallError> {
        self.state.as_mut().ok_or(CallError::NoKey)
    }

    fn scope(&self) -> Result<Scope, CallError> {
        Ok(self.state.as_ref().ok_or(CallError::NoKey)?.scope().clone())
    }
}

/// Cuts a text at `max` bytes, at a character's boundary.
fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
    }
}

impl From<CallError> for Failure {
    /// For guests that are native code: a call that was refused fails the handler.
    fn from(error: CallError) -> Self {
        Self {
            kind: FailureKind::Retry,
            cause: error.to_string(),
        }
    }
}
