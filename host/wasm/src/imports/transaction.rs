//! `transaction`: half messages of handlers.

use wasmill_model::Decision;
use wasmill_port::HalfState;
use wasmtime::Result;

use super::queue::outgoing;
use crate::data::Data;
use crate::generated::wasmill::plugin::transaction::{Host, Outgoing};
use crate::generated::wasmill::plugin::types;

impl Host for Data {
    async fn prepare(
        &mut self,
        name: String,
        message: Outgoing,
    ) -> Result<Result<types::HalfState, types::Error>> {
        self.count("transaction.prepare")?;
        let (call, message) = match (self.handling("transaction.prepare"), outgoing(message)) {
            (Ok(call), Ok(message)) => (call, message),
            (Err(refused), _) | (_, Err(refused)) => return Ok(Err(refused)),
        };
        let prepared = call.prepare(&name, message).await;
        Ok(prepared.map(state).map_err(Into::into))
    }

    fn commit(&mut self, name: String) -> Result<Result<types::HalfState, types::Error>> {
        self.settle("transaction.commit", &name, Decision::Commit)
    }

    fn rollback(&mut self, name: String) -> Result<Result<types::HalfState, types::Error>> {
        self.settle("transaction.rollback", &name, Decision::RollBack)
    }
}

impl Data {
    fn settle(
        &mut self,
        function: &'static str,
        name: &str,
        decision: Decision,
    ) -> Result<Result<types::HalfState, types::Error>> {
        self.count(function)?;
        Ok(self.handling(function).and_then(|call| {
            let stands = call.settle(name, decision)?;
            Ok(state(HalfState::Decided(stands)))
        }))
    }
}

fn state(state: HalfState) -> types::HalfState {
    match state {
        HalfState::Prepared => types::HalfState::Prepared,
        HalfState::Decided(Decision::Commit) => types::HalfState::Committed,
        HalfState::Decided(Decision::RollBack) => types::HalfState::RolledBack,
    }
}
