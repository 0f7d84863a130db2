//! `wasi:logging/logging`: lines in the host's log.

use wasmtime::Result;

use crate::data::Data;
use crate::generated::drafts::wasi::logging::logging;
use crate::log::Level;

impl logging::Host for Data {
    fn log(&mut self, level: logging::Level, context: String, message: String) -> Result<()> {
        self.count("wasi:logging.log")?;
        let level = match level {
            logging::Level::Trace => Level::Trace,
            logging::Level::Debug => Level::Debug,
            logging::Level::Info => Level::Info,
            logging::Level::Warn => Level::Warn,
            logging::Level::Error | logging::Level::Critical => Level::Error,
        };
        let line = match context.as_str() {
            "" => message,
            context => format!("{context}: {message}"),
        };
        self.log.write(level, self.message(), &line);
        Ok(())
    }
}
