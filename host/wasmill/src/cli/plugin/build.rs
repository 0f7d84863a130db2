//! `wasmill plugin build [DIR] [--out FILE]`

use std::path::PathBuf;

use clap::Args;
use wasmill_service::reload::FILE_BYTES_MAX;
use wasmill_toolchain::{Built, Tools, build};

use super::failed;
use crate::app::{Failure, tell};

/// Options of `wasmill plugin build`.
#[derive(Debug, Args)]
pub(super) struct Build {
    /// The plugin's directory, with its plugin.toml
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to write the plugin, instead of NAME.wasm in its directory
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Build {
    pub(super) fn run(self) -> Result<(), Failure> {
        let built = build(&self.dir, self.out.as_deref(), &Tools::installed());
        let Built {
            path,
            manifest,
            bytes,
            warning,
        } = built.map_err(failed)?;
        let path = path.display();
        tell(format_args!(
            "{path}: {} {}, {bytes} bytes",
            manifest.name, manifest.version
        ))?;
        if let Some(warning) = warning {
            eprintln!("warning: {warning}");
        }
        if bytes as u64 > FILE_BYTES_MAX {
            eprintln!("warning: {path} is larger than a host takes, {FILE_BYTES_MAX} bytes");
        }
        Ok(())
    }
}
