//! `config`: the plugin's table in the operator's routes, and its secrets by their names.

use wasmtime::Result;

use crate::data::Data;
use crate::generated::wasmill::plugin::config::Host;

impl Host for Data {
    fn get(&mut self, name: String) -> Result<Option<String>> {
        self.count("config.get")?;
        Ok(self.config(&name))
    }

    fn get_all(&mut self) -> Result<Vec<(String, String)>> {
        self.count("config.get-all")?;
        Ok(self.config_all())
    }
}

impl Data {
    /// The value of `name`: of the config, or else of the secrets.
    pub(super) fn config(&self, name: &str) -> Option<String> {
        let secret = || {
            let file = self.settings.grants.secrets.get(name)?;
            Some(file.secret.expose().to_owned())
        };
        self.settings.config.get(name).cloned().or_else(secret)
    }

    /// All of the config. Secrets are not among it: who dumps the config must not dump them.
    pub(super) fn config_all(&self) -> Vec<(String, String)> {
        let pairs = self.settings.config.iter();
        pairs.map(|(n, v)| (n.clone(), v.clone())).collect()
    }
}
