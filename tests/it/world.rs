//! What the tests have in common: a shop in a folder of its own, and its books at the end.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tempfile::TempDir;
use testkit::books::{Plan, Settled};
use testkit::install::Installation;
use testkit::patience::until;
use testkit::provider::Policy;
use testkit::scene::Scene;
use testkit::server::Server;
use testkit::traffic::{Market, Taken};

/// Topic `work` for the guest `counter`, which sends to `counted`.
pub(crate) const COUNTER: &str = r#"
[topics]
"work" = {}
"counted" = {}

[subscriptions.worker]
topic = "work"
plugin = "counter"
"#;

/// The way in to topic `work`, by its key.
pub(crate) const WAY_IN: &str = r#"
[[ingress]]
method = "POST"
path = "/work/{key}"
topic = "work"
key = "path:key"
"#;

/// Longest wait until a version is compiled, with other tests beside.
const COMPILE_MAX: Duration = Duration::from_secs(120);

/// A host with guests that tests are made of, and the folder that it lives in.
pub(crate) struct Host {
    pub(crate) server: Server,
    pub(crate) installation: Installation,
    /// Dropped last, as a shop's.
    _folder: TempDir,
}

impl Host {
    /// Starts a host with these routes, and these guests as plugins of their own names.
    pub(crate) async fn with(routes: &str, guests: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let installation = Installation::empty(folder.path(), routes)?;
        for guest in guests {
            installation.put_plugin(guest, &wasmill_test_guests::bytes(guest))?;
        }
        Ok(Self {
            server: Server::start(&installation).await?,
            installation,
            _folder: folder,
        })
    }

    /// Keeps another version of `counter` beside the one that serves: its content hash.
    pub(crate) async fn keep_beside(&self, guest: &str) -> Result<String> {
        let server = &self.server;
        server.command(&["plugin", "pin", "counter"]).await?;
        let component = wasmill_test_guests::bytes(guest);
        self.installation.put_plugin("counter", &component)?;
        let ask = || server.ask("/v1/plugins/counter");
        let held = |plugin: &Value| plugin["held"]["version"].is_string();
        let plugin = until(COMPILE_MAX, ask, held).await?;
        let version = plugin["held"]["version"].as_str();
        Ok(version.context("a version")?.to_owned())
    }
}

/// A shop, and the folder that it lives in.
pub(crate) struct World {
    pub(crate) scene: Scene,
    /// Dropped last: the host must have ended before its folder goes.
    _folder: TempDir,
}

impl World {
    /// Starts a shop with a deadline and loads `plan` into it.
    pub(crate) async fn with(plan: &Plan, policy: Policy, deadline: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let scene = Scene::start(folder.path(), policy, deadline).await?;
        plan.load(&scene.shop).await?;
        Ok(Self {
            scene,
            _folder: folder,
        })
    }

    /// Waits until the books of `plan` balance.
    pub(crate) async fn settle(&self, plan: &Plan, patience: Duration) -> Result<Settled> {
        let settled = plan
            .settle(&self.scene.shop, self.scene.provider.ledger(), patience)
            .await?;
        let first: Vec<&String> = settled.discrepancies.iter().take(20).collect();
        assert!(
            first.is_empty(),
            "the books do not balance: {first:#?}\n{}",
            self.scene.server.log_tail()
        );
        Ok(settled)
    }
}

/// A market in which everything runs short now and then.
pub(crate) fn busy_market(orders: u64) -> Market {
    Market {
        skus: 40,
        pieces: orders / 25,
        users: 150,
        balance: 30_000,
        coupon_every: 5,
        orders,
    }
}

/// Every buyer was served.
pub(crate) fn assert_served(taken: &Taken) {
    let first: Vec<&String> = taken.complaints.iter().take(10).collect();
    assert!(
        first.is_empty(),
        "{} complaints: {first:#?}",
        taken.complaints.len()
    );
    assert!(!taken.orders.is_empty(), "nobody came");
}

/// Every buyer was served at once.
pub(crate) fn assert_served_at_once(taken: &Taken) {
    assert_served(taken);
    assert_eq!(
        (taken.broken, taken.unavailable),
        (0, 0),
        "broken and 503, though the host ran on"
    );
}
