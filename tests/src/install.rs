//! An installation of the shop: a folder with routes, plugins and data, as an operator has it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use toml_edit::{DocumentMut, Item, Value, value};

use crate::artifacts::{self, PLUGINS};

/// What signs the provider's callbacks here.
pub const PROVIDER_SECRET: &str = "only-for-demo-and-tests";

/// What an installation sets in the shop's routes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the payment provider listens.
    pub provider: SocketAddr,
    /// How long a confirmed order may stay unpaid, such as `30m`.
    pub payment_deadline: String,
    /// How long a step of the saga may take, such as `2m`.
    pub saga_timeout: String,
    /// Plugins to do without, their subscriptions with them.
    pub without: Vec<&'static str>,
}

/// A folder that `wasmill serve` can be started on.
#[derive(Clone, Debug)]
pub struct Installation {
    /// The routes file.
    pub routes: PathBuf,
    /// The watched folder of plugins.
    pub plugins: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    /// The port to listen on.
    pub port: u16,
    /// The file with the data API's token, if it asks for one.
    pub token: Option<PathBuf>,
}

impl Installation {
    /// Installs the shop with its seven plugins under `root`.
    ///
    /// # Errors
    /// If plugins are not built, or the folder cannot be written.
    pub fn shop(root: &Path, settings: &Settings) -> Result<Self> {
        let source = artifacts::workspace().join("examples/shop/routes.toml");
        let text = fs::read_to_string(&source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        let mut routes: DocumentMut = text.parse()?;
        let installation = Self::empty(root, "")?;
        settings.apply(&mut routes, installation.port)?;
        installation.set_routes(&routes.to_string())?;
        for name in PLUGINS
            .iter()
            .filter(|name| !settings.without.contains(name))
        {
            installation.put_plugin(name, &fs::read(artifacts::plugin(name)?)?)?;
        }
        Ok(installation)
    }

    /// An installation with these routes and without plugins.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn empty(root: &Path, routes: &str) -> Result<Self> {
        let installation = Self {
            routes: root.join("routes.toml"),
            plugins: root.join("plugins"),
            data: root.join("data"),
            port: free_port()?,
            token: None,
        };
        fs::create_dir_all(&installation.plugins)?;
        installation.set_routes(routes)?;
        Ok(installation)
    }

    /// Replaces the routes file in one step.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn set_routes(&self, text: &str) -> Result<()> {
        write_whole(&self.routes, text.as_bytes())
    }

    /// Drops a plugin in, or replaces it, in one step.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put_plugin(&self, name: &str, component: &[u8]) -> Result<()> {
        write_whole(&self.plugin_path(name), component)
    }

    /// Takes a plugin away.
    ///
    /// # Errors
    /// If it is not there.
    pub fn remove_plugin(&self, name: &str) -> Result<()> {
        Ok(fs::remove_file(self.plugin_path(name))?)
    }

    /// The file of a plugin.
    #[must_use]
    pub fn plugin_path(&self, name: &str) -> PathBuf {
        self.plugins.join(format!("{name}.wasm"))
    }
}

impl Settings {
    fn apply(&self, routes: &mut DocumentMut, port: u16) -> Result<()> {
        let provider = self.provider;
        set(
            routes,
            "payment",
            "provider_url",
            &format!("http://{provider}"),
        )?;
        let callback = format!("http://127.0.0.1:{port}/payments/callback");
        set(routes, "payment", "callback_url", &callback)?;
        set(routes, "payment", "provider_secret", PROVIDER_SECRET)?;
        set(routes, "order", "payment_deadline", &self.payment_deadline)?;
        set(routes, "order", "saga_timeout", &self.saga_timeout)?;
        set(
            routes,
            "notify",
            "sms_webhook",
            &format!("http://{provider}/sms"),
        )?;
        for plugin in ["payment", "notify"] {
            let grants = table(routes, plugin, "grants")?;
            grants["http"] = value([provider.to_string()].into_iter().collect::<Value>());
        }
        for plugin in &self.without {
            leave_out(routes, plugin);
        }
        Ok(())
    }
}

/// Removes a plugin's table and subscriptions.
fn leave_out(routes: &mut DocumentMut, plugin: &str) {
    if let Some(plugins) = routes.get_mut("plugins").and_then(Item::as_table_like_mut) {
        plugins.remove(plugin);
    }
    if let Some(subscriptions) = routes.get_mut("subscriptions").and_then(Item::as_table_mut) {
        subscriptions.retain(|_, item| item.get("plugin").and_then(Item::as_str) != Some(plugin));
    }
}

/// Sets what the plugin's `config.get(name)` returns.
fn set(routes: &mut DocumentMut, plugin: &str, name: &str, to: &str) -> Result<()> {
    table(routes, plugin, "config")?[name] = value(to);
    Ok(())
}

fn table<'a>(routes: &'a mut DocumentMut, plugin: &str, name: &str) -> Result<&'a mut Item> {
    let found = routes
        .get_mut("plugins")
        .and_then(|item| item.get_mut(plugin));
    found
        .and_then(|item| item.get_mut(name))
        .with_context(|| format!("the shop's routes have no [plugins.{plugin}.{name}]"))
}

/// Writes beside the file and renames: whoever watches never sees half of it.
fn write_whole(path: &Path, content: &[u8]) -> Result<()> {
    let beside = path.with_extension("partial");
    fs::write(&beside, content).with_context(|| format!("cannot write {}", beside.display()))?;
    fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}

/// A free port below the range that the system hands out to clients: a host that is killed and
/// started again finds it free, whatever connections were made meanwhile.
fn free_port() -> Result<u16> {
    const RANGE: std::ops::Range<u16> = 15_000..32_000;
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos();
    let mixed = (nanos ^ std::process::id().rotate_left(16)) % u32::from(RANGE.end - RANGE.start);
    let first = RANGE.start + u16::try_from(mixed)?;
    (first..RANGE.end)
        .chain(RANGE.start..first)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .context("no free port on 127.0.0.1 between 15000 and 32000")
}
