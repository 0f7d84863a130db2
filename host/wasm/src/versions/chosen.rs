//! Which version may be chosen for single messages while another one serves.

use wasmill_model::routes::Grants;
use wasmill_port::plugins::ActError;

use super::preflight;
use super::record::{Kept, Record};

impl Record {
    /// Whether a version may handle single messages beside the one that serves. Its signature is not
    /// looked at.
    ///
    /// # Errors
    /// [`ActError::Refused`] if it could not be tried either, or asks for what is neither granted nor
    /// approved.
    pub(crate) fn check_choice(&self, version: &Kept, grants: &Grants) -> Result<(), ActError> {
        self.check_trial(version)?;
        let asks = match &version.manifest {
            Some(manifest) if !self.is_approved(&version.hash) => {
                preflight::beyond(&manifest.capabilities, grants, None)
            }
            _ => Vec::new(),
        };
        match asks.is_empty() {
            true => Ok(()),
            false => Err(ActError::Refused(asks.join("; "))),
        }
    }
}
