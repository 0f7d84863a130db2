//! Half messages: handlers' are taken to the engine's thread ([`EnginePreparer`]), and owners of
//! unsettled ones are asked what is to become of them, each in a task of its own ([`Checker`]).

use std::sync::Arc;
use std::sync::mpsc::Sender;

use tokio::runtime;
use wasmill_engine::{CheckRequest, Verdict};
use wasmill_model::half::Owner;
use wasmill_model::{Half, Routes, reserved};
use wasmill_port::call::{CallError, Preparer, Preparing};
use wasmill_port::guest::{self, Guests};
use wasmill_port::{CheckBack, check_back};

use crate::command::Command;
use crate::handle::{Stopped, operate};

/// Asks owners.
pub(crate) struct Checker<G> {
    pub(crate) guests: Arc<G>,
    pub(crate) check_back: Arc<dyn CheckBack>,
    pub(crate) engine: Sender<Command>,
    pub(crate) runtime: runtime::Handle,
}

impl<G: Guests> Checker<G> {
    /// Puts a question.
    pub(crate) fn ask(&self, request: CheckRequest, routes: &Routes) {
        let mut report = Report {
            request: Some(request.clone()),
            engine: self.engine.clone(),
        };
        let half = request.half;
        let policy = routes.check_policy(&half.message.topic);
        let (guests, check_back) = (self.guests.clone(), self.check_back.clone());
        self.runtime.spawn(async move {
            let verdict = match &half.owner {
                Owner::Plugin { scope, .. } => {
                    let plugin = reserved::plugin_of(&scope.plugin).into();
                    match guests.check(&plugin, half.clone()).await {
                        Ok(verdict) => said(verdict),
                        Err(guest::Error::Unavailable(_)) => Verdict::Unavailable,
                        Err(error) => Verdict::Unknown(error.to_string()),
                    }
                }
                Owner::Producer { check_url: None } => {
                    let cause = "its producer gave no `check_url` and has not settled it";
                    Verdict::Unknown(cause.to_owned())
                }
                Owner::Producer {
                    check_url: Some(url),
                } => match check_back::granted(url, &policy.check_hosts) {
                    Ok(()) => said(check_back.ask(url, &half).await),
                    Err(cause) => Verdict::Unknown(cause),
                },
            };
            report.send(verdict);
        });
    }
}

fn said(verdict: Result<wasmill_model::Decision, String>) -> Verdict {
    match verdict {
        Ok(decision) => Verdict::Decided(decision),
        Err(cause) => Verdict::Unknown(cause),
    }
}

/// Reports a question exactly once, even if its task is dropped or panics: one that is never
/// reported would never be put again.
struct Report {
    request: Option<CheckRequest>,
    engine: Sender<Command>,
}

impl Report {
    fn send(&mut self, verdict: Verdict) {
        if let Some(request) = self.request.take() {
            // The engine's thread has ended when the host stops; the question is put again then.
            let _ = self.engine.send(Command::Checked { request, verdict });
        }
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.send(Verdict::Unavailable);
    }
}

/// Takes half messages of handlers to the engine's thread.
pub(crate) struct EnginePreparer {
    pub(crate) engine: Sender<Command>,
}

impl Preparer for EnginePreparer {
    fn prepare(&self, run: u64, half: Half) -> Preparing<'_> {
        let stopped = |Stopped| CallError::Unavailable("the host is stopping".to_owned());
        Box::pin(async move {
            let prepared = operate(&self.engine, move |engine, now| {
                engine.prepare(run, half, now)
            });
            let prepared = prepared.await.map_err(stopped)?;
            prepared.map_err(|error| CallError::Unavailable(error.to_string()))
        })
    }
}
