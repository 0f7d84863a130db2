//! Guests: the plugins as the services see them.

use std::future::Future;
use std::sync::Arc;

use wasmill_model::effects::Outcome;
use wasmill_model::http::{Accepted, Problem, Request, Response};
use wasmill_model::{Decision, Half, Name};

use crate::run::Run;
use crate::scope::ScopeState;

/// Calls plugins. Every call goes to the version that serves when it begins.
pub trait Guests: Send + Sync + 'static {
    /// Handles a run's messages until one fails, the run's time is up, or none is left.
    fn handle(&self, run: Run) -> impl Future<Output = Vec<Outcome>> + Send;

    /// Asks a plugin's gate about a request.
    fn admit(
        &self,
        plugin: &Name,
        request: Request,
    ) -> impl Future<Output = Result<Result<Accepted, Problem>, Error>> + Send;

    /// Asks a plugin's query about the state of a key.
    fn answer(
        &self,
        state: ScopeState,
        request: Request,
    ) -> impl Future<Output = Result<Response, Error>> + Send;

    /// Asks a plugin's checker what is to become of a half message that it prepared. A text if it
    /// does not know: why.
    fn check(
        &self,
        plugin: &Name,
        half: Arc<Half>,
    ) -> impl Future<Output = Result<Result<Decision, String>, Error>> + Send;
}

/// Loads plugins.
pub trait Plugins: Send + Sync + 'static {
    /// Compiles and checks `component`, and on success swaps it in for `name`. Calls in flight
    /// end on the old version. On an error nothing has changed.
    fn install(
        &self,
        name: &Name,
        component: &[u8],
    ) -> impl Future<Output = Result<Installed, Rejected>> + Send;

    /// Puts the last version of `name` that loaded well into service, from wherever it is kept.
    fn restore(&self, name: &Name) -> impl Future<Output = Result<Installed, Rejected>> + Send;

    /// Takes a plugin out of service. Calls in flight end.
    fn remove(&self, name: &Name);

    /// The names of the plugins in service.
    fn serving(&self) -> Vec<Name>;
}

/// A version that serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// The content hash: SHA-256, hexadecimal.
    pub version: String,
    /// Whether it differs from the one that served before.
    pub changed: bool,
}

/// Why a file was not taken into service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plugin `{plugin}` was refused: {reason}")]
pub struct Rejected {
    /// The plugin.
    pub plugin: Name,
    /// What does not fit, and the remedy.
    pub reason: String,
}

/// Why a gate or a query did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The plugin is not in service.
    #[error("plugin `{0}` is not in service")]
    Unavailable(Name),
    /// The plugin does not export what the route asks for.
    #[error("plugin `{plugin}` exports no `{export}`, which the route needs")]
    NoExport {
        /// The plugin.
        plugin: Name,
        /// The interface.
        export: &'static str,
    },
    /// The guest trapped, ran out of a limit, or passed its deadline.
    #[error("plugin `{plugin}` failed: {cause}")]
    Failed {
        /// The plugin.
        plugin: Name,
        /// The trap and its backtrace, or the limit.
        cause: String,
    },
}
