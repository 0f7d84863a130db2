//! Versions that operators choose for single messages, whichever serves.

use std::future::Future;
use std::time::Duration;

use wasmill_model::Name;
use wasmill_model::effects::Outcome;

use crate::plugins::ActError;
use crate::run::Run;

/// Longest call of a rehearsal, whatever the plugin's deadline is.
pub const REHEARSAL_TIME_MAX: Duration = Duration::from_secs(10);
/// Most HTTP requests of a rehearsal that are told.
pub const REQUESTS_TOLD_MAX: usize = 64;

/// Finds versions for messages that operators choose them for. [`crate::Guests`] call a chosen version
/// by the message itself: see [`wasmill_model::chosen`].
pub trait Choose: Send + Sync + 'static {
    /// A version that may be chosen.
    type Chosen: Chosen;

    /// Has a kept version ready for messages that are chosen for it, and returns its content hash. It
    /// has started once, in what it is granted.
    ///
    /// # Errors
    /// As [`Choose::choose`].
    fn make_ready(
        &self,
        plugin: &Name,
        version: &str,
    ) -> impl Future<Output = Result<Name, ActError>> + Send;

    /// A version for rehearsals: one that is kept, named by its content hash or the first 8 or more of
    /// its digits; the one that serves if none is named. It has started once, apart from the outside.
    ///
    /// # Errors
    /// [`ActError`] if there is no such version, or it must not handle messages beside the one that
    /// serves.
    fn choose(
        &self,
        plugin: &Name,
        version: Option<&str>,
    ) -> impl Future<Output = Result<Self::Chosen, ActError>> + Send;
}

/// A version that may handle messages beside the one that serves.
pub trait Chosen: Send + Sync {
    /// Its content hash.
    fn hash(&self) -> &str;

    /// Has it handle the first message of a run of which nothing is to be committed. Its files are not
    /// there, and its HTTP requests fail: nothing leaves the host.
    fn rehearse(&self, run: Run) -> impl Future<Output = Rehearsed> + Send;
}

/// What came of a message that nobody commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    /// What would be committed, or why nothing would.
    pub outcome: Outcome,
    /// Whether it failed since the guest trapped, or went past a limit.
    pub is_fault: bool,
    /// The HTTP requests that it made in vain: method and URL of each, at most
    /// [`REQUESTS_TOLD_MAX`].
    pub requests: Vec<String>,
    /// How many requests there were.
    pub requests_count: u64,
    /// Whether it is granted files, which it did not have here.
    pub lacks_files: bool,
}
