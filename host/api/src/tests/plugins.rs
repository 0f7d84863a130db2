//! Plugins: what is shown of them, and how wishes are answered that cannot be done.

use serde_json::{Value, json};
use wasmill_model::{Millis, Name};
use wasmill_port::plugins::{About, ActError, Action, Held, Standing, Version};
use wasmill_service::{PluginStatus, Refusal};

use super::data::ask;
use super::{Script, api};
use crate::{Acting, Control};

/// One plugin with two versions, and one whose only file was refused.
pub(super) struct Shelf;

impl Control for Shelf {
    fn statuses(&self) -> Vec<PluginStatus> {
        ["broken", "stock"]
            .map(|name| self.status(name).expect("it is there"))
            .into()
    }

    fn status(&self, name: &str) -> Option<PluginStatus> {
        let refusal = Refusal {
            at: Millis(0),
            reason: "it is empty".to_owned(),
        };
        let (standing, refused) = match name {
            "stock" => (Some(standing()), None),
            "broken" => (None, Some(refusal)),
            _ => return None,
        };
        Some(PluginStatus {
            plugin: name.into(),
            standing,
            refused,
        })
    }

    fn act<'a>(&'a self, name: &'a Name, action: Action) -> Acting<'a> {
        let refused = |why: &str| Err(ActError::Refused(why.to_owned()));
        let answer = match (self.status(name), action) {
            (None, _) => Err(ActError::Unknown(name.clone())),
            (_, Action::Rollback { to: Some(to) }) => Err(ActError::NoVersion(to)),
            (_, Action::Unpin) => refused("the plugin is not pinned"),
            (Some(status), _) => Ok(status),
        };
        Box::pin(async { answer })
    }
}

fn standing() -> Standing {
    let version = |hash: &str| Version {
        hash: hash.to_owned(),
        size: 3,
        about: None,
        installed_at: Millis(0),
        served_at: None,
        came: "file",
        signed_by: None,
    };
    let about = About {
        version: "1.2.0".to_owned(),
        capabilities: ["files".to_owned()].into(),
        state_version: 2,
        ..About::default()
    };
    let old = Version {
        about: Some(about),
        served_at: Some(Millis(1)),
        ..version("old")
    };
    Standing {
        current: Some("old".to_owned()),
        serving: true,
        held: Some(Held {
            version: "new".to_owned(),
            reasons: vec!["it asks for HTTP".to_owned()],
        }),
        versions: vec![version("new"), old],
        ..Standing::default()
    }
}

#[tokio::test]
async fn plugins_are_listed_with_why_one_is_not_in_service() {
    let (api, _) = api(Script::default());
    let all = ask(&api, "GET", "/v1/plugins", &Value::Null).await.json();
    let [broken, stock] = [&all["plugins"][0], &all["plugins"][1]];
    assert_eq!(
        (&broken["status"], &broken["current"]),
        (&json!("refused"), &Value::Null)
    );
    assert_eq!(broken["refused"]["reason"], "it is empty");
    assert_eq!(
        (&stock["status"], &stock["version"]),
        (&json!("serving"), &json!("1.2.0"))
    );
    let held = json!({"version": "new", "reasons": ["it asks for HTTP"]});
    assert_eq!(stock["held"], held);

    let one = ask(&api, "GET", "/v1/plugins/stock", &Value::Null).await;
    assert_eq!(one.json(), *stock);
    let none = ask(&api, "GET", "/v1/plugins/none", &Value::Null).await;
    assert!(none.problem(404).contains("`none`"));
}

#[tokio::test]
async fn a_version_is_told_with_what_it_is_now() {
    let (api, _) = api(Script::default());
    let path = "/v1/plugins/stock/versions";
    let all = ask(&api, "GET", path, &Value::Null).await.json();
    let [new, old] = [&all["versions"][0], &all["versions"][1]];
    assert_eq!(
        (&new["marks"], &new["state_version"]),
        (&json!(["held"]), &Value::Null)
    );
    assert_eq!(
        (&old["marks"], &old["state_version"]),
        (&json!(["current"]), &json!(2))
    );
    assert_eq!(old["capabilities"], json!(["files"]));
    assert_eq!(old["served_at"], "1970-01-01T00:00:00.001Z");
}

#[tokio::test]
async fn a_wish_that_cannot_be_done_is_answered_with_why() {
    let (api, _) = api(Script::default());
    for (path, status) in [
        ("/v1/plugins/none/disable", 404),
        ("/v1/plugins/stock/rollback?to=abc", 404),
        ("/v1/plugins/stock/rollback?version=abc", 400),
        ("/v1/plugins/stock/unpin", 409),
    ] {
        let answer = ask(&api, "POST", path, &Value::Null).await;
        answer.problem(status);
    }
    let done = ask(&api, "POST", "/v1/plugins/stock/approve", &Value::Null).await;
    assert_eq!(
        (done.status.as_u16(), &done.json()["name"]),
        (200, &json!("stock"))
    );
}
