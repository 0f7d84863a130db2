//! `wasmill check --routes FILE [--plugins DIR]`

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::app::{self, Failure};

/// Options of `wasmill check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The routes file
    #[arg(long, value_name = "FILE")]
    routes: PathBuf,
    /// A directory of plugins, each of which must load
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
}

impl Check {
    pub(super) fn run(self) -> Result<(), Failure> {
        let routes = app::read_routes(&self.routes)?;
        println!("{}: routes are good", self.routes.display());
        let Some(plugins) = self.plugins else {
            return Ok(());
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        let runtime = runtime.context("the threads could not be started")?;
        let checked = runtime.block_on(app::check_plugins(&plugins, routes))?;
        let mut refused = 0;
        for (name, result) in checked {
            match result {
                Ok(version) => println!("{name}: good, version {version}"),
                Err(reasons) => {
                    refused += 1;
                    for reason in reasons {
                        eprintln!("{name}: {reason}");
                    }
                }
            }
        }
        match refused {
            0 => Ok(()),
            count => Err(Failure::config(anyhow::anyhow!(
                "{count} of the plugins are not good"
            ))),
        }
    }
}
