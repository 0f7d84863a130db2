//! What the operator grants a plugin, and its bounds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;

/// A plugin's table in the routes file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginSettings {
    /// What `config.get` returns.
    pub config: BTreeMap<String, String>,
    /// Bounds of a call.
    pub limits: CallLimits,
    /// Capabilities beyond the plain ones.
    pub grants: Grants,
    /// Whether instances are reused.
    pub isolation: Isolation,
    /// Handlers at once, over all subscriptions.
    pub concurrency: usize,
    /// Its weight, from 1 to 100, when plugins want to compute more than the host can.
    pub share: u32,
}

impl Default for PluginSettings {
    fn default() -> Self {
        Self {
            config: BTreeMap::new(),
            limits: CallLimits::default(),
            grants: Grants::default(),
            isolation: Isolation::default(),
            concurrency: 2_048,
            share: 10,
        }
    }
}

/// Bounds of one call of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// Linear memory and tables of the whole instance.
    pub memory_bytes_max: usize,
    /// Fuel: about one unit an instruction.
    pub fuel_max: u64,
    /// Wall-clock time, waiting for outgoing HTTP included.
    pub deadline: Duration,
    /// Messages sent, timers among them.
    pub sends_max: usize,
    /// Bytes of all messages sent and all state written.
    pub effect_bytes_max: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 << 20,
            fuel_max: 1_000_000_000,
            deadline: Duration::from_secs(10),
            sends_max: 1_000,
            effect_bytes_max: 16 << 20,
        }
    }
}

/// What a plugin may do outside the sandbox. Nothing by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// `host` or `host:port` that outgoing HTTP may reach.
    pub http: Vec<String>,
    /// Those of `http` that are names and may stand for addresses of this machine and of private
    /// networks.
    pub http_private: Vec<String>,
    /// Bounds of outgoing HTTP.
    pub http_limits: HttpLimits,
    /// A directory of its own, seen as `/`.
    pub files: bool,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// What `config.get` returns besides the config, and nothing else tells.
    pub secrets: BTreeMap<String, SecretFile>,
}

impl Grants {
    /// Whether a handler can act outside its commit. Such a handler starts only once all that
    /// it may read is durable.
    #[must_use]
    pub fn external(&self) -> bool {
        self.files || !self.http.is_empty()
    }
}

/// Bounds of a plugin's outgoing HTTP. No time outlasts the deadline of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Time until a connection stands: look-up of the name, TCP and TLS, and waiting for room.
    pub connect: Duration,
    /// Time from the request to the head of the answer.
    pub first_byte: Duration,
    /// Time of the whole exchange.
    pub total: Duration,
    /// Bytes of a request's body.
    pub request_bytes_max: usize,
    /// Bytes of an answer's body.
    pub response_bytes_max: usize,
    /// Requests of the plugin under way at once; more wait, as long as `connect` says.
    pub concurrency: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(60),
            total: Duration::from_secs(120),
            request_bytes_max: 16 << 20,
            response_bytes_max: 16 << 20,
            concurrency: 1_024,
        }
    }
}

/// A secret, and the file that it is read from whenever the routes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFile {
    /// The file.
    pub path: PathBuf,
    /// What it holds; empty until it has been read.
    pub secret: Secret,
}

/// Whether instances of a plugin are reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Instances serve many messages.
    #[default]
    Pooled,
    /// A fresh instance for each message.
    PerMessage,
}
