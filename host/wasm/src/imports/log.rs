//! `log`: lines in the host's log.

use wasmtime::Result;

use crate::data::Data;
use crate::generated::wasmill::plugin::log;
use crate::log::Level;

impl log::Host for Data {
    fn write(&mut self, level: log::Level, line: String) -> Result<()> {
        self.count("log.write")?;
        let level = match level {
            log::Level::Trace => Level::Trace,
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.log.write(level, self.message(), &line);
        Ok(())
    }
}
