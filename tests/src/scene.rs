//! The whole scene: the shop's host as a process, the payment provider, and a folder for both.

use std::path::Path;

use anyhow::Result;

use crate::install::{Installation, PROVIDER_SECRET, Settings};
use crate::provider::{Policy, Provider};
use crate::server::Server;
use crate::shop::Shop;

/// All that runs; everything ends when it is dropped.
#[derive(Debug)]
pub struct Scene {
    /// The shop over HTTP.
    pub shop: Shop,
    /// The host.
    pub server: Server,
    /// The third party.
    pub provider: Provider,
    /// The folder as its operator sees it.
    pub installation: Installation,
}

impl Scene {
    /// Installs the shop under `root`, and starts provider and host.
    ///
    /// # Errors
    /// If something is not built or does not start.
    pub async fn start(root: &Path, policy: Policy, payment_deadline: &str) -> Result<Self> {
        Self::without(root, policy, payment_deadline, Vec::new()).await
    }

    /// The same without some of the plugins.
    ///
    /// # Errors
    /// As [`Scene::start`].
    pub async fn without(
        root: &Path,
        policy: Policy,
        payment_deadline: &str,
        without: Vec<&'static str>,
    ) -> Result<Self> {
        let provider = Provider::start(policy, PROVIDER_SECRET).await?;
        let settings = Settings {
            provider: provider.address(),
            payment_deadline: payment_deadline.to_owned(),
            saga_timeout: "2m".to_owned(),
            without,
        };
        let installation = Installation::shop(root, &settings)?;
        let server = Server::start(&installation).await?;
        let shop = Shop::new(server.client());
        Ok(Self {
            shop,
            server,
            provider,
            installation,
        })
    }
}
