//! Which subscriptions are not done with a message.

use serde::Deserialize;

/// A subscription that has a message and is not done with it.
#[derive(Deserialize)]
pub(in crate::cli) struct Pending {
    subscription: String,
    attempts: u32,
    plugin: Option<String>,
    in_service: bool,
}

impl Pending {
    /// What is worth a line: one that failed and is served comes again, as its last event tells.
    pub(super) fn text(&self) -> Option<String> {
        let why = match (&self.plugin, self.in_service, self.attempts) {
            (None, ..) => "the routes no longer have this subscription".to_owned(),
            (Some(plugin), false, _) => format!("plugin `{plugin}` is not in service"),
            (Some(plugin), true, 0) => format!("plugin `{plugin}` has not handled it yet"),
            (Some(_), true, _) => return None,
        };
        Some(format!("queued for `{}`: {why}", self.subscription))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_told_for_whom_a_message_waits_and_why() {
        let text = |plugin: Option<&str>, in_service: bool, attempts: u32| {
            let pending = json!({"subscription": "worker", "key": "k", "attempts": attempts,
                "plugin": plugin, "in_service": in_service});
            let pending: Pending = serde_json::from_value(pending).unwrap();
            pending.text()
        };
        for (plugin, in_service, attempts, said) in [
            (
                Some("counter"),
                false,
                0,
                "plugin `counter` is not in service",
            ),
            (
                Some("counter"),
                false,
                3,
                "plugin `counter` is not in service",
            ),
            (
                Some("counter"),
                true,
                0,
                "plugin `counter` has not handled it yet",
            ),
            (
                None,
                false,
                0,
                "the routes no longer have this subscription",
            ),
        ] {
            let said = format!("queued for `worker`: {said}");
            assert_eq!(text(plugin, in_service, attempts), Some(said));
        }
        assert_eq!(text(Some("counter"), true, 1), None, "its event tells");
    }
}
