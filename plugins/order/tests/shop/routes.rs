//! The subscriptions and settings of the operator's example, as far as the bus needs them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

/// The example's routes file.
const ROUTES: &str = include_str!("../../../../examples/shop/routes.toml");

/// What the bus needs of a routes file.
#[derive(Deserialize)]
pub(crate) struct Routes {
    topics: BTreeMap<String, toml::Table>,
    pub(crate) subscriptions: BTreeMap<String, Subscription>,
    plugins: BTreeMap<String, Plugin>,
}

/// Which messages go to which plugin, under which key.
#[derive(Clone, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) topic: String,
    pub(crate) plugin: String,
    key: Option<String>,
    #[serde(default)]
    broadcast: bool,
    retry: Vec<String>,
}

#[derive(Deserialize)]
struct Plugin {
    #[serde(default)]
    config: toml::Table,
}

impl Routes {
    pub(crate) fn example() -> &'static Self {
        static EXAMPLE: LazyLock<Routes> =
            LazyLock::new(|| toml::from_str(ROUTES).expect("the example's routes are TOML"));
        &EXAMPLE
    }

    pub(crate) fn declares(&self, topic: &str) -> bool {
        self.topics.contains_key(topic)
    }

    pub(crate) fn config(&self, plugin: &str, name: &str) -> Option<String> {
        match self.plugins.get(plugin)?.config.get(name)? {
            toml::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// The names of the subscriptions to a topic.
    pub(crate) fn subscribers(
        &self,
        topic: &str,
    ) -> impl Iterator<Item = (&String, &Subscription)> {
        self.subscriptions
            .iter()
            .filter(move |(_, sub)| sub.topic == topic)
    }
}

impl Subscription {
    /// Whose state its handlers see: the plugin's, or the plugin's on this host.
    pub(crate) fn owner(&self) -> String {
        match self.broadcast {
            true => format!("{}@host", self.plugin),
            false => self.plugin.clone(),
        }
    }

    /// The key of a message for this subscription.
    pub(crate) fn key_of(&self, key: Option<&str>, body: &[u8]) -> String {
        let Some(pointer) = &self.key else {
            return key.expect("the shop's messages are keyed").to_owned();
        };
        let body: Value = serde_json::from_slice(body).expect("the shop's bodies are JSON");
        let found = body.pointer(pointer).and_then(Value::as_str);
        found
            .unwrap_or_else(|| panic!("{} has no {pointer}", self.topic))
            .to_owned()
    }
}

#[test]
fn what_returns_goods_or_moves_money_is_retried_for_longer_than_a_day() {
    let kept = [
        "order.due",
        "order.refund",
        "payment.charged",
        "stock.release",
        "coupon.release",
        "account.credit",
        "payment.refund",
        "payment.refunded",
        "points.revoke",
    ];
    for topic in kept {
        for (name, sub) in Routes::example().subscribers(topic) {
            assert_eq!(sub.retry.last().map(String::as_str), Some("24h"), "{name}");
        }
    }
}
