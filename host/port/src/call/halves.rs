//! Half messages of a key: prepared in a record of their own, settled in the handler's commit.
//!
//! A half's entry in the key's state tells whether it is unsettled, or what a check-back decided;
//! it goes with the handler that settles it, or that has seen the decision.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use wasmill_model::half::{Entry, Owner};
use wasmill_model::{Decision, Half, Message, Millis, Name, reserved, trace};

use super::{Call, CallError, Outgoing, names};

/// A half message on its way to the log.
pub type Preparing<'a> = Pin<Box<dyn Future<Output = Result<(), CallError>> + Send + 'a>>;

/// Makes half messages durable while a handler waits.
pub trait Preparer: Send + Sync + 'static {
    /// Prepares a half message for the run of this number; done once it is durable.
    ///
    /// # Errors
    /// [`CallError`]; it may have been prepared if the host stops meanwhile.
    fn prepare(&self, run: u64, half: Half) -> Preparing<'_>;
}

/// Prepares nothing, for calls of which nothing leaves.
pub(super) struct Unprepared;

impl Preparer for Unprepared {
    fn prepare(&self, _run: u64, _half: Half) -> Preparing<'_> {
        Box::pin(async { Ok(()) })
    }
}

/// How a half message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HalfState {
    /// Durable, and not settled.
    Prepared,
    /// Somebody decided.
    Decided(Decision),
}

/// What a call did with half messages.
#[derive(Debug, Default)]
pub(super) struct OfCall {
    /// The number of the run.
    run: u64,
    /// Whether another message of the run came before.
    behind: bool,
    /// How many it prepared.
    pub(super) prepared: usize,
    /// Those whose entries go with the call's commit.
    ended: Vec<(Name, Decision)>,
    /// Whether the message must be the first of a run.
    handed_back: bool,
}

impl Call {
    /// Tells the call which run it is of, and whether it is the first there.
    pub(crate) fn of_run(&mut self, run: u64, first: bool) {
        self.halves.run = run;
        self.halves.behind = !first;
    }

    /// Whether the message is to be handed back, whatever its handler says.
    #[must_use]
    pub fn is_handed_back(&self) -> bool {
        self.halves.handed_back
    }

    /// Prepares the half message `name`: it is durable when this returns. One of that name which
    /// an earlier message, or an earlier attempt, prepared is not replaced: its state is told.
    ///
    /// # Errors
    /// [`CallError`] without a key, for a malformed name or message, over a limit, or if the host
    /// could not make it durable.
    pub async fn prepare(
        &mut self,
        name: &str,
        outgoing: Outgoing,
    ) -> Result<HalfState, CallError> {
        names::check(name)?;
        if let Some(state) = self.half_state(name)? {
            return Ok(state);
        }
        self.check(&outgoing)?;
        if self.halves.behind {
            // What the messages before it did is not committed yet, and must not be outlived.
            self.halves.handed_back = true;
            let cause = "the message begins a run of its own to prepare a half message";
            return Err(CallError::Unavailable(cause.to_owned()));
        }
        let Some(preparer) = self.context.preparer.clone() else {
            let cause = "this host takes no half messages";
            return Err(CallError::Unavailable(cause.to_owned()));
        };
        let half = self.half(name, outgoing)?;
        let entry = encode(&Entry::Open(half.clone()));
        preparer.prepare(self.halves.run, half).await?;
        self.halves.prepared += 1;
        self.state_mut()?.keep(reserved::half(name), entry);
        Ok(HalfState::Prepared)
    }

    /// Settles the half message `name` with the handler's commit. Returns the decision that
    /// stands: another one, if a check-back decided before.
    ///
    /// # Errors
    /// [`CallError`] without a key, or if there is no such half message.
    pub fn settle(&mut self, name: &str, decision: Decision) -> Result<Decision, CallError> {
        names::check(name)?;
        if let Some((_, decision)) = self.halves.ended.iter().find(|(it, _)| it == name) {
            return Ok(*decision);
        }
        let Some(entry) = self.half_entry(name)? else {
            return Err(CallError::Invalid(format!(
                "there is no half message `{name}` under this key: prepare it first"
            )));
        };
        let stands = match entry {
            Entry::Open(half) => {
                self.effects.settled.push((Arc::new(half), decision));
                decision
            }
            Entry::Decided(decision) => decision,
        };
        self.end_half(name, stands)?;
        Ok(stands)
    }

    /// The state of a half message that was prepared before; it ends here if it is decided.
    fn half_state(&mut self, name: &str) -> Result<Option<HalfState>, CallError> {
        if self.halves.ended.iter().any(|(it, _)| it == name) {
            return Err(CallError::Invalid(format!(
                "half message `{name}` was settled in this call: take another name"
            )));
        }
        Ok(match self.half_entry(name)? {
            None => None,
            Some(Entry::Open(_)) => Some(HalfState::Prepared),
            Some(Entry::Decided(decision)) => {
                self.end_half(name, decision)?;
                Some(HalfState::Decided(decision))
            }
        })
    }

    fn half_entry(&self, name: &str) -> Result<Option<Entry>, CallError> {
        let state = self.state.as_ref().ok_or(CallError::NoKey)?;
        let value = state.get(&reserved::half(name))?;
        value.map(|value| decode(&value)).transpose()
    }

    fn end_half(&mut self, name: &str, decision: Decision) -> Result<(), CallError> {
        self.state_mut()?.set(reserved::half(name), None);
        self.halves.ended.push((name.into(), decision));
        Ok(())
    }

    fn half(&self, name: &str, outgoing: Outgoing) -> Result<Half, CallError> {
        let Outgoing {
            topic,
            key,
            tag,
            mut headers,
            body,
            when,
        } = outgoing;
        let cause = &self.delivery.message;
        trace::carry_on(&mut headers, cause);
        let message = Message {
            id: cause.id.prepared(&self.delivery.subscription, name),
            topic,
            key,
            tag,
            headers,
            body,
            produced_at: self.now(),
            correlation: cause.correlation,
            causation: Some(cause.id),
            timer: None,
        };
        Ok(Half {
            message: Arc::new(message),
            deliver: when,
            owner: Owner::Plugin {
                scope: self.scope()?,
                name: name.into(),
            },
            prepared_at: Millis(0),
            checks: 0,
            next_check: None,
            cause: None,
        })
    }
}

fn encode(entry: &Entry) -> Bytes {
    postcard::to_stdvec(entry)
        .expect("a half message serialises")
        .into()
}

fn decode(value: &[u8]) -> Result<Entry, CallError> {
    postcard::from_bytes(value).map_err(|_| names::damaged("half message"))
}
