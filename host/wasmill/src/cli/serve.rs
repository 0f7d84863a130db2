//! `wasmill serve --routes FILE --plugins DIR --data DIR`

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::app::{self, Failure, LogFormat};

/// Options of `wasmill serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The routes file, applied again whenever it changes
    #[arg(long, value_name = "FILE")]
    routes: PathBuf,
    /// The directory of the plugins' `.wasm` files, watched for changes
    #[arg(long, value_name = "DIR")]
    plugins: PathBuf,
    /// The data directory, made if it is not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The address to serve HTTP on; port 0 lets the system choose
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    #[arg(value_parser = address)]
    listen: SocketAddr,
    /// The address to serve the data API on, for operators: one of this machine only, unless there
    /// is a token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    #[arg(value_parser = address)]
    api: SocketAddr,
    /// A file with the token that the data API asks for
    #[arg(long, value_name = "FILE")]
    api_token_file: Option<PathBuf>,
    /// The number of partitions, fixed when the data directory is made
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=4096))]
    partitions: u16,
    /// What to log, such as `info` or `wasmill_wasm=debug,warn`
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", default_value = "info")]
    log: String,
    /// How to write the log, which goes to stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// An address and a port, or how to write them.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| match text.parse::<IpAddr>() {
        Ok(ip) => format!("the port is missing: write `{}`", SocketAddr::new(ip, 8080)),
        Err(_) => "write an IP address and a port, such as `127.0.0.1:8080` or `[::1]:8080`".into(),
    })
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failure> {
        app::start_log(&self.log, self.log_format)?;
        let options = app::Options {
            routes: self.routes,
            plugins: self.plugins,
            data: self.data,
            listen: self.listen,
            api: self.api,
            api_token: self.api_token_file,
            partitions: self.partitions,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        let runtime = runtime.context("the threads could not be started")?;
        let served = runtime.block_on(app::serve(options));
        // What must end has ended; a file that is still being compiled is nobody's any more.
        runtime.shutdown_background();
        served
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_told_how_to_be_written() {
        assert!(address("[::1]:8080").is_ok() && address("127.0.0.1:0").is_ok());
        for (wrong, said) in [
            ("::1", "write `[::1]:8080`"),
            ("127.0.0.1", "write `127.0.0.1:8080`"),
            ("localhost:8080", "an IP address and a port"),
            ("8080", "an IP address and a port"),
        ] {
            let error = address(wrong).expect_err(wrong);
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }
}
