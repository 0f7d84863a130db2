//! A host in memory, for unit tests of a plugin's functions: they run natively, at once, and over
//! a clock that only the test moves.
//!
//! [`TestHost`] keeps to the contract. What a handler did becomes real when it returns `Ok`, or is
//! dropped; what the contract refuses is refused, with the same errors, and so is what its role
//! may not do. It has one plugin, so what that sends is not delivered anywhere, but shown.
//!
//! ```
//! use std::time::Duration;
//! use wasmill_sdk::testing::TestHost;
//! use wasmill_sdk::{Failure, Host, Message};
//!
//! fn handle(host: &mut impl Host, message: &Message) -> Result<(), Failure> {
//!     match message.topic.as_str() {
//!         "cart.filled" => Ok(host.set_timer("reminder", Duration::from_secs(60), "cart.idle")?),
//!         "cart.idle" => host.send("mail.reminder", message.key()?, "your cart is waiting"),
//!         _ => Err(message.unexpected()),
//!     }
//! }
//!
//! # fn main() -> Result<(), Failure> {
//! let mut host = TestHost::new().with_topics(["cart.idle", "mail.reminder"]);
//! host.deliver(handle, "cart.filled", "ann", "")?;
//! assert!(host.scope("ann").timer("reminder").is_some());
//!
//! host.elapse(handle, Duration::from_secs(60))?;
//! assert_eq!(host.sent()[0].topic, "mail.reminder");
//! assert!(host.scope("ann").is_empty());
//! # Ok(())
//! # }
//! ```

mod bounds;
mod call;
mod contract;
mod halves;
mod outside;
mod roles;
mod scope;
mod sent;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::Level;
use crate::message::milliseconds;

use self::call::Activity;
use self::outside::Outside;
pub use self::scope::{Scope, Timer};
pub use self::sent::Sent;

/// When it begins: 2025-06-15, 15:06:40 UTC.
const BEGIN: u64 = 1_750_000_000_000;

/// A host in memory.
#[derive(Default)]
pub struct TestHost {
    now: u64,
    config: BTreeMap<String, String>,
    /// Those that exist; none if any does.
    topics: Option<BTreeSet<String>>,
    /// By key.
    scopes: BTreeMap<String, Scope>,
    sent: Vec<Sent>,
    log: Vec<(Level, String)>,
    last_id: u64,
    outside: Outside,
    activity: Activity,
}

impl TestHost {
    /// A host on which nothing has happened, without config, and where every topic exists.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: BEGIN,
            ..Self::default()
        }
    }

    /// With a setting of the operator's.
    #[must_use]
    pub fn with_config(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.config.insert(name.into(), value.into());
        self
    }

    /// Where these topics exist, and those said so before. Without this, all do.
    #[must_use]
    pub fn with_topics<T: Into<String>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        let known = self.topics.get_or_insert_default();
        known.extend(topics.into_iter().map(Into::into));
        self
    }

    /// Sets the clock, to milliseconds since the Unix epoch. Timers ring in [`elapse`].
    ///
    /// [`elapse`]: Self::elapse
    pub fn set_now(&mut self, now: u64) {
        self.now = now;
    }

    /// Moves the clock on. Timers that fall due do not ring: see [`elapse`].
    ///
    /// [`elapse`]: Self::elapse
    pub fn advance(&mut self, span: Duration) {
        self.now = self.now.saturating_add(milliseconds(span));
    }

    /// What is committed under a key.
    #[must_use]
    pub fn scope(&self, key: &str) -> &Scope {
        static EMPTY: Scope = Scope::new();
        self.scopes.get(key).unwrap_or(&EMPTY)
    }

    /// What is committed under a key, to begin a test with.
    pub fn scope_mut(&mut self, key: impl Into<String>) -> &mut Scope {
        self.scopes.entry(key.into()).or_default()
    }

    /// Keys under which something is committed.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let used = self.scopes.iter().filter(|(_, scope)| !scope.is_empty());
        used.map(|(key, _)| key.as_str())
    }

    /// Messages that were sent and committed, in their order; those for later are among them until
    /// they are recalled, those of timers are not.
    #[must_use]
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// As [`TestHost::sent`], and begins anew.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// Lines of the log, those of handlers that failed among them.
    #[must_use]
    pub fn log_lines(&self) -> &[(Level, String)] {
        &self.log
    }

    fn next_id(&mut self) -> String {
        self.last_id += 1;
        format!("{:032x}", self.last_id)
    }
}
