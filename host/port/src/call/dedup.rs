//! Dedup claims of a key: those that its handlers make, and those of subscriptions that tell
//! duplicates by themselves.
//!
//! A claim is an entry of the key's state with the time at which it is over; one whose time is over
//! counts as absent, whether the view has been rid of it or not. It is committed with the call, or
//! dropped with it: a message that fails is no duplicate of itself when it comes again.

use wasmill_model::effects::Uniqueness;
use wasmill_model::routes::DedupPolicy;
use wasmill_model::{Millis, Name, reserved};

use super::{Call, CallError, names};
use crate::scope::ScopeState;

impl Call {
    /// Claims `id` in the key's scope for `ttl_ms`: true for the first claim.
    ///
    /// # Errors
    /// [`CallError`] without a key, or for a malformed id.
    pub fn claim(&mut self, id: &str, ttl_ms: u64) -> Result<bool, CallError> {
        names::check(id)?;
        let (name, now) = (reserved::claim(id), self.now());
        self.account(name.len())?;
        claim(self.state_mut()?, name, now, ttl_ms)
    }

    /// Claims the message's id for its subscription.
    pub(super) fn claim_message(&mut self, policy: &DedupPolicy) -> Result<Uniqueness, CallError> {
        let now = self.now();
        let message = &self.delivery.message;
        let (Some(state), Ok(id)) = (&mut self.state, policy.id.of(message)) else {
            return Ok(Uniqueness::Unidentified);
        };
        let name = reserved::handled(&self.delivery.subscription, &id);
        let window_ms = u64::try_from(policy.window.as_millis()).unwrap_or(u64::MAX);
        Ok(match claim(state, name, now, window_ms)? {
            true => Uniqueness::First,
            false => Uniqueness::Duplicate,
        })
    }
}

/// Claims `name` unless a claim is in force: false then.
fn claim(state: &mut ScopeState, name: Name, now: Millis, ttl_ms: u64) -> Result<bool, CallError> {
    if let Some(value) = state.get(&name)? {
        let expires = reserved::claim_expires(&value);
        if expires.ok_or_else(|| names::damaged("dedup claim"))? > now {
            return Ok(false);
        }
    }
    let expires = Millis(now.0.saturating_add(ttl_ms));
    state.set(name, Some(reserved::claim_until(expires)));
    Ok(true)
}
