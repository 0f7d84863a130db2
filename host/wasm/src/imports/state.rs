//! `state`: the key's entries, for handlers with their own writes, for queries read-only.

use bytes::Bytes;
use wasmill_model::limits::{STATE_NAME_BYTES_MAX, STATE_SCAN_COUNT_MAX};
use wasmill_model::{Name, reserved};
use wasmill_port::{CallError, ScopeState};
use wasmtime::Result;

use crate::data::{Activity, Data, refused};
use crate::generated::wasmill::plugin::state::Host;
use crate::generated::wasmill::plugin::types::Error;

impl Host for Data {
    fn get(&mut self, name: String) -> Result<Result<Option<Vec<u8>>, Error>> {
        self.count()?;
        let found = match &self.activity {
            Activity::Handling(call) => call.get(&name),
            Activity::Answering(state) => read(state, &name),
            other => return Ok(Err(refused(other, "state.get"))),
        };
        Ok(found
            .map(|value| value.map(|value| value.to_vec()))
            .map_err(Error::from))
    }

    fn put(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), Error>> {
        self.count()?;
        Ok(self
            .handling("state.put")
            .and_then(|call| Ok(call.put(&name, Some(value.into()))?)))
    }

    fn delete(&mut self, name: String) -> Result<Result<(), Error>> {
        self.count()?;
        Ok(self
            .handling("state.delete")
            .and_then(|call| Ok(call.put(&name, None)?)))
    }

    fn scan(
        &mut self,
        prefix: String,
        start_after: Option<String>,
        limit: u32,
    ) -> Result<Result<Vec<(String, Vec<u8>)>, Error>> {
        self.count()?;
        let after = start_after.as_deref();
        let found = match &self.activity {
            Activity::Handling(call) => call.scan(&prefix, after, limit),
            Activity::Answering(state) => list(state, &prefix, after, limit),
            other => return Ok(Err(refused(other, "state.scan"))),
        };
        let owned = |(name, value): (Name, Bytes)| (name.to_string(), value.to_vec());
        Ok(found
            .map(|entries| entries.into_iter().map(owned).collect())
            .map_err(Error::from))
    }
}

/// A query's look at one entry. The host's own entries are hidden, as from handlers.
fn read(state: &ScopeState, name: &str) -> Result<Option<Bytes>, CallError> {
    if name.is_empty() || name.len() > STATE_NAME_BYTES_MAX || name.contains('\0') {
        return Err(CallError::Invalid(format!(
            "a name has 1 to {STATE_NAME_BYTES_MAX} bytes and no NUL, this one is {name:?}"
        )));
    }
    Ok(state.get(name)?)
}

fn list(
    state: &ScopeState,
    prefix: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<(Name, Bytes)>, CallError> {
    let limit = limit.min(STATE_SCAN_COUNT_MAX) as usize;
    Ok(state.scan(prefix, after.max(Some(reserved::LAST)), limit)?)
}
