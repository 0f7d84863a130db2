//! Which version may be tried beside the one that serves, and what becomes of one that held.

use wasmill_model::Millis;
use wasmill_port::plugins::ActError;

use super::record::{Came, Kept, Record};

impl Record {
    /// Puts a version into service that was tried beside the one that serves. A pin moves on to it;
    /// a file of another version comes in only after another one.
    ///
    /// # Errors
    /// [`ActError`] if there is no such version, or it must not serve.
    pub(crate) fn promote(&mut self, version: &str, now: Millis) -> Result<(), ActError> {
        let version = self.named(version)?;
        self.check_chosen(version)?;
        let hash = version.hash.clone();
        if self.pinned.is_some() {
            self.pinned = Some(hash.clone());
        }
        if self.file.as_ref() != Some(&hash) {
            self.withdrawn.clone_from(&self.file);
        }
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
