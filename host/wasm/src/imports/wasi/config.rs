//! `wasi:config/store`: the plugin's config and its secrets.

use wasmtime::Result;

use crate::data::Data;
use crate::generated::drafts::wasi::config::store::{Error, Host};

impl Host for Data {
    fn get(&mut self, key: String) -> Result<Result<Option<String>, Error>> {
        self.count("wasi:config.get")?;
        Ok(Ok(self.config(&key)))
    }

    fn get_all(&mut self) -> Result<Result<Vec<(String, String)>, Error>> {
        self.count("wasi:config.get-all")?;
        Ok(Ok(self.config_all()))
    }
}
