//! Claims in keys' states whose time is over: those that plugins made, and those of subscriptions
//! that tell duplicates by themselves.
//!
//! The view has an entry for each claim under the time at which it is over, written by the
//! checkpoint that writes the claim. So a sweep reads only what it deletes, whoever it belonged to:
//! also of plugins that are gone. An id that is claimed anew gets another entry of that kind; the
//! earlier one, when its time comes, finds that the claim goes on, and leaves it alone.
//!
//! A claim whose time is over counts as absent wherever it is read. So a sweep needs no commit, and
//! may come between any two checkpoints: what the engine has that is newer than the view hides what
//! is swept, and the next checkpoint writes it. It must only be done by whoever writes the view, so
//! that nothing comes between its reads and its writes.

use bytes::Bytes;
use wasmill_model::{Millis, PartitionId, reserved};

use crate::checkpoint::Write;
use crate::codec::DecodeError;
use crate::layout;

/// An entry of the view that says when a claim is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    key: Vec<u8>,
    at: Millis,
    claim: Vec<u8>,
}

impl Expiry {
    /// Reads an entry under [`layout::expiries`], which come in the order of their times.
    ///
    /// # Errors
    /// [`DecodeError`] if it does not read back.
    pub fn read(key: &[u8]) -> Result<Self, DecodeError> {
        let (at, claim) = layout::expiring(key).ok_or(DecodeError::Short)?;
        let key = key.to_vec();
        Ok(Self { key, at, claim })
    }

    /// What says when the claim `name` of a state's entry is over; none if the entry is no claim, or
    /// was deleted.
    pub(crate) fn of(
        id: PartitionId,
        name: &str,
        place: &[u8],
        value: Option<&Bytes>,
    ) -> Option<Write> {
        let value = value.filter(|_| reserved::is_claim(name))?;
        let expires = reserved::claim_expires(value)?;
        Some(Write {
            key: layout::expiry(id, expires, place),
            value: Some(Bytes::new()),
        })
    }

    /// Whether the time has come.
    #[must_use]
    pub fn is_over(&self, now: Millis) -> bool {
        self.at <= now
    }

    /// Where the view has the claim.
    #[must_use]
    pub fn claim(&self) -> &[u8] {
        &self.claim
    }

    /// What deletes it: with the claim, whose value in the view is `value`, unless that was claimed
    /// anew. To be written in this order: a claim must not outlive what finds it.
    pub fn sweep(self, value: Option<&[u8]>, now: Millis) -> impl Iterator<Item = Write> + use<> {
        let expires = value.and_then(reserved::claim_expires);
        let is_over = expires.is_some_and(|expires| expires <= now);
        let delete = |key| Write { key, value: None };
        let claim = is_over.then(|| delete(self.claim));
        claim.into_iter().chain([delete(self.key)])
    }
}
