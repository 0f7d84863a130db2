//! `config`: the plugin's table in the operator's routes.

use wasmtime::Result;

use crate::data::Data;
use crate::generated::wasmill::plugin::config::Host;

impl Host for Data {
    fn get(&mut self, name: String) -> Result<Option<String>> {
        self.count("config.get")?;
        Ok(self.settings.config.get(&name).cloned())
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>> {
        self.count("config.get-all")?;
        Ok(self
            .settings
            .config
            .iter()
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect())
    }
}
