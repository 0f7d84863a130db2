//! The demo's stage: where it is played, and what the payment provider is up to.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use testkit::artifacts;
use testkit::provider::Policy;
use testkit::scene::Scene;

use super::Options;

/// How long after the deadline the late payments come.
const LATE_BY: Duration = Duration::from_secs(3);

/// A running shop, and the folder that goes with it.
pub(crate) struct Stage {
    /// All that runs.
    pub(crate) scene: Scene,
    /// Dropped last: the host must have ended before its folder goes.
    _folder: Option<TempDir>,
}

impl Stage {
    /// Starts everything.
    ///
    /// # Errors
    /// If something does not start, or data of an earlier run is in the way.
    pub(crate) async fn set(options: &Options) -> Result<Self> {
        let (root, folder) = folder(options.keep)?;
        let deadline = options.payment_deadline();
        let policy = Policy::lively(options.seed, deadline + LATE_BY);
        let deadline = humantime::format_duration(deadline)
            .to_string()
            .replace(' ', "");
        Ok(Self {
            scene: Scene::start(&root, policy, &deadline).await?,
            _folder: folder,
        })
    }
}

fn folder(keep: bool) -> Result<(PathBuf, Option<TempDir>)> {
    if !keep {
        let folder = tempfile::Builder::new().prefix("wasmill-demo-").tempdir()?;
        return Ok((folder.path().to_owned(), Some(folder)));
    }
    let kept = artifacts::workspace().join("data");
    ensure!(
        !kept.exists(),
        "{} is there from an earlier run, whose orders would be counted again: remove it",
        kept.display()
    );
    Ok((kept, None))
}
