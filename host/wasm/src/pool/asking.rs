//! What a version is asked besides handling messages: about requests, states and half messages.

use std::pin::pin;

use tokio::time::Instant;
use wasmill_model::half::{Decision, Half};
use wasmill_model::http;
use wasmill_port::ScopeState;
use wasmill_port::guest::Error;

use super::Serving;
use crate::account::{Ended, Export};
use crate::deadline::after;
use crate::fault::Fault;
use crate::instance::{Instance, Unstarted};

/// An instance that is asked something, and since when.
struct Asking {
    instance: Instance,
    export: Export,
    began: Instant,
    deadline: Instant,
}

impl Serving {
    /// Asks the gate about a request.
    pub(crate) async fn admit(
        &self,
        request: &http::Request,
    ) -> Result<Result<http::Accepted, http::Problem>, Error> {
        self.require(self.version.exports.gate.is_some(), "gate")?;
        let _call = self.host.calls.enter(&self.own.calls).await;
        let asked = async {
            let mut asking = self.asking(Export::Gate).await?;
            let (instance, limits) = (&mut asking.instance, &self.settings.limits);
            let answer = instance.admit(request, limits, asking.deadline).await;
            self.answered(asking, answer)
        };
        self.in_turn(pin!(asked)).await
    }

    /// Asks the query about the state of a key.
    pub(crate) async fn answer(
        &self,
        state: ScopeState,
        request: &http::Request,
    ) -> Result<http::Response, Error> {
        self.require(self.version.exports.query.is_some(), "query")?;
        let _call = self.host.calls.enter(&self.own.calls).await;
        let asked = async {
            let mut asking = self.asking(Export::Query).await?;
            let (instance, limits) = (&mut asking.instance, &self.settings.limits);
            let answer = instance.answer(state, request, limits, asking.deadline);
            let answer = answer.await;
            self.answered(asking, answer)
        };
        self.in_turn(pin!(asked)).await
    }

    /// Asks the checker about a half message; a text if it does not know.
    pub(crate) async fn check(&self, half: &Half) -> Result<Result<Decision, String>, Error> {
        self.require(self.version.exports.checker.is_some(), "checker")?;
        let _call = self.host.calls.enter(&self.own.calls).await;
        let asked = async {
            let mut asking = self.asking(Export::Checker).await?;
            let (instance, limits) = (&mut asking.instance, &self.settings.limits);
            let verdict = instance.check(half, limits, asking.deadline).await;
            self.answered(asking, verdict)
        };
        self.in_turn(pin!(asked)).await
    }

    /// An instance that is to be asked something else than to handle a message.
    async fn asking(&self, export: Export) -> Result<Asking, Error> {
        let began = Instant::now();
        let deadline = after(began, self.settings.limits.deadline);
        let instance = match self.idle.pop() {
            Some(instance) => instance,
            None => {
                let started = self.start(deadline).await;
                started.map_err(|Unstarted { fault, bill }| {
                    let meter = &self.version.meter;
                    meter.add(export, Ended::Fault, began.elapsed(), &bill);
                    self.failed(fault)
                })?
            }
        };
        Ok(Asking {
            instance,
            export,
            began,
            deadline,
        })
    }

    /// The answer of an instance that was asked, which is good for more if it gave one.
    fn answered<T>(&self, asked: Asking, answer: Result<T, Fault>) -> Result<T, Error> {
        let ended = match &answer {
            Ok(_) => Ended::Ok,
            Err(_) => Ended::Fault,
        };
        let bill = asked.instance.bill(&self.settings.limits);
        let meter = &self.version.meter;
        meter.add(asked.export, ended, asked.began.elapsed(), &bill);
        let answer = answer.map_err(|fault| self.failed(fault))?;
        self.give_back(asked.instance);
        Ok(answer)
    }

    fn require(&self, exported: bool, export: &'static str) -> Result<(), Error> {
        if exported {
            return Ok(());
        }
        Err(Error::NoExport {
            plugin: self.version.plugin.clone(),
            export,
        })
    }

    fn failed(&self, fault: Fault) -> Error {
        Error::Failed {
            plugin: self.version.plugin.clone(),
            cause: fault.0,
        }
    }
}
