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
