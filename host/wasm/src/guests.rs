//! The `Guests` port: calls go to the version that serves when they begin.

use std::sync::Arc;

use wasmill_model::effects::{Failure, FailureKind, Outcome};
use wasmill_model::half::{Decision, Half};
use wasmill_model::http::{Accepted, Problem, Request, Response};
use wasmill_model::{Name, reserved};
use wasmill_port::guest::Error;
use wasmill_port::{Guests, Run, ScopeState};

use crate::registry::Registry;

impl Guests for Registry {
    async fn handle(&self, mut run: Run) -> Vec<Outcome> {
        match self.find(&run.plugin) {
            Some(serving) => match run.chosen_version().cloned() {
                None => {
                    let candidate = self.trials.beside(&serving);
                    serving.handle(&mut run, candidate.as_deref()).await;
                }
                // Boxed: runs that were chosen for a version are few, and the others have no room
                // for what it takes.
                Some(version) => {
                    Box::pin(self.handle_chosen(&serving, &mut run, &version)).await;
                }
            },
            None => end_unavailable(&mut run),
        }
        run.into_outcomes()
    }

    async fn admit(
        &self,
        plugin: &Name,
        request: Request,
    ) -> Result<Result<Accepted, Problem>, Error> {
        let serving = self
            .find(plugin)
            .ok_or_else(|| Error::Unavailable(plugin.clone()))?;
        serving.admit(&request).await
    }

    async fn answer(&self, state: ScopeState, request: Request) -> Result<Response, Error> {
        let plugin = &Name::from(reserved::plugin_of(&state.scope().plugin));
        let serving = self
            .find(plugin)
            .ok_or_else(|| Error::Unavailable(plugin.clone()))?;
        serving.answer(state, &request).await
    }

    async fn check(
        &self,
        plugin: &Name,
        half: Arc<Half>,
    ) -> Result<Result<Decision, String>, Error> {
        let serving = self
            .find(plugin)
            .ok_or_else(|| Error::Unavailable(plugin.clone()))?;
        serving.check(&half).await
    }
}

fn end_unavailable(run: &mut Run) {
    if let Some(call) = run.begin() {
        let cause = format!("plugin `{}` is not in service", run.plugin);
        run.end(
            call,
            Err(Failure {
                kind: FailureKind::Unavailable,
                cause,
            }),
            None,
        );
    }
}
