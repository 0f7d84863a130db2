//! `state`: the key's entries, for handlers with their own writes, for queries read-only.

use bytes::Bytes;
use wasmill_model::Name;
use wasmtime::Result;

use crate::data::{Activity, Data, refused};
use crate::generated::wasmill::plugin::state::Host;
use crate::generated::wasmill::plugin::types::Error;

impl Host for Data {
    fn get(&mut self, name: String) -> Result<Result<Option<Vec<u8>>, Error>> {
        self.count("state.get")?;
        let found = match &self.activity {
            Activity::Handling(call) => call.get(&name),
            Activity::Answering(state) => state.get_for_guest(&name),
            other => return Ok(Err(refused(other, "state.get"))),
        };
        Ok(found
            .map(|value| value.map(|value| value.to_vec()))
            .map_err(Error::from))
    }

    fn put(&mut self, name: String, value: Vec<u8>) -> Result<Result<(), Error>> {
        self.count("state.put")?;
        Ok(self
            .handling("state.put")
            .and_then(|call| Ok(call.put(&name, Some(value.into()))?)))
    }

    fn delete(&mut self, name: String) -> Result<Result<(), Error>> {
        self.count("state.delete")?;
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
        self.count("state.scan")?;
        let after = start_after.as_deref();
        let found = match &self.activity {
            Activity::Handling(call) => call.scan(&prefix, after, limit),
            Activity::Answering(state) => state.scan_for_guest(&prefix, after, limit),
            other => return Ok(Err(refused(other, "state.scan"))),
        };
        let owned = |(name, value): (Name, Bytes)| (name.to_string(), value.to_vec());
        Ok(found
            .map(|entries| entries.into_iter().map(owned).collect())
            .map_err(Error::from))
    }
}
