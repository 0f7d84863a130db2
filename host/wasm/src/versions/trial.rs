//! Which version may be tried beside the one that serves, and what becomes of one that held.
//!
//! Only that it is tried is written down, so that it is kept until it is promoted: how it does is in
//! memory.

use wasmill_model::Millis;
use wasmill_port::plugins::ActError;

use super::record::{Came, Kept, Record};

impl Record {
    /// Notes that a version is tried: it is not dropped until another one is.
    pub(crate) fn try_out(&mut self, version: &Kept) {
        self.tried = Some(version.hash.clone());
    }

    /// Puts a version into service that was tried beside the one that serves. A pin moves on to it;
    /// a file of another version comes in only after another one.
    ///
    /// # Errors
    /// [`ActError`] if there is no such version, it must not serve, or the plugin's file is gone.
    pub(crate) fn promote(&mut self, version: &str, now: Millis) -> Result<(), ActError> {
        self.check_present()?;
        let version = self.named(version)?;
        self.check_chosen(version)?;
        let hash = version.hash.clone();
        if self.pinned.is_some() {
            self.pinned = Some(hash.clone());
        }
        self.withdraw_unless(&hash);
        self.serve(&hash, Came::Promote, now);
        Ok(())
    }

    /// Whether a version may be tried beside the one that serves.
    ///
    /// # Errors
    /// [`ActError::Refused`] if it must not serve, or the two do not share their state's schema.
    pub(crate) fn check_trial(&self, version: &Kept) -> Result<(), ActError> {
        let own = version.state_version();
        match self.state_version {
            Some(other) if other != own => Err(ActError::Refused(format!(
                "its `state-version` is {own}, and that of the state that is there is {other}: two \
                 versions can share a state of one schema only; let it in as a whole"
            ))),
            _ => self.check_chosen(version),
        }
    }
}
