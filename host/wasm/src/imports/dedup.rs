//! `dedup`: claims of ids.

use wasmtime::Result;

use crate::data::Data;
use crate::generated::wasmill::plugin::dedup::Host;
use crate::generated::wasmill::plugin::types::Error;

impl Host for Data {
    fn claim(&mut self, id: String, ttl: u64) -> Result<Result<bool, Error>> {
        self.count("dedup.claim")?;
        Ok(self
            .handling("dedup.claim")
            .and_then(|call| Ok(call.claim(&id, ttl)?)))
    }
}
