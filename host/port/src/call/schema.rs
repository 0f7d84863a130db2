//! The version of the schema of a key's state: an entry of the host's own beside the plugin's.
//!
//! A state without that entry has version 1, and a key without a plugin's entries has no state and
//! so no version. The entry comes with the first write of a version above 1, goes with the last of
//! the plugin's entries, and costs the plugins nothing that stay with version 1: they are not shown
//! later states by which versions may serve, which the host decides before any call.

use bytes::Bytes;
use wasmill_model::reserved;

use super::{Call, CallError, names};
use crate::scope::ScopeState;

/// What a call knows of the schema of its key's state.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfCall {
    /// The version of the plugin that handles it.
    own: u32,
    /// What the entry says.
    stored: Option<u32>,
    /// The state was brought up to date.
    migrated: bool,
}

impl Call {
    /// Says which version of the schema the handler writes. The version of the key's state if that
    /// is lower: `migrate` must run before the handler, and succeed.
    ///
    /// # Errors
    /// [`CallError`] if the store cannot be read, or the state's version is higher.
    pub fn outdated(&mut self, own: u32) -> Result<Option<u32>, CallError> {
        let Some(state) = self.state.as_ref().filter(|_| own > 1) else {
            return Ok(None);
        };
        let (stored, outdated) = (state.schema()?, state.outdated(own)?);
        self.schema = Some(OfCall {
            own,
            stored,
            migrated: outdated.is_some(),
        });
        Ok(outdated)
    }

    /// Writes down what version the state has after the call.
    pub(super) fn note_schema(&mut self) -> Result<(), CallError> {
        let (Some(schema), Some(state)) = (self.schema, &mut self.state) else {
            return Ok(());
        };
        if !schema.migrated && !state.has_written() {
            return Ok(());
        }
        let wanted = state.has_entries()?.then_some(schema.own);
        if wanted != schema.stored {
            let value = wanted.map(|version| Bytes::copy_from_slice(&version.to_be_bytes()));
            state.set(reserved::SCHEMA.into(), value);
        }
        Ok(())
    }
}

impl ScopeState {
    /// The version of the state's schema, if it is lower than `own`.
    ///
    /// # Errors
    /// [`CallError`] if the store cannot be read, or the state's version is higher.
    pub fn outdated(&self, own: u32) -> Result<Option<u32>, CallError> {
        if own <= 1 {
            return Ok(None);
        }
        let stored = match self.schema()? {
            None if self.has_entries()? => Some(1),
            stored => stored,
        };
        match stored {
            Some(stored) if stored > own => Err(CallError::Invalid(format!(
                "the key's state has version {stored} of its schema, and the plugin reads {own}: put \
                 a version of the plugin into service whose `state-version` is {stored} or higher"
            ))),
            stored => Ok(stored.filter(|stored| *stored < own)),
        }
    }

    /// What the entry says.
    fn schema(&self) -> Result<Option<u32>, CallError> {
        let Some(value) = self.get(reserved::SCHEMA)? else {
            return Ok(None);
        };
        let version = <[u8; 4]>::try_from(&value[..]).map_err(|_| names::damaged("schema"))?;
        Ok(Some(u32::from_be_bytes(version)))
    }
}
