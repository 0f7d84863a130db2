//! Plugins: what is shown of them, and how wishes are answered that cannot be done.

use serde_json::{Value, json};
use std::sync::Arc;

use wasmill_model::{MessageId, Millis, Name, Share};
use wasmill_port::candidate::{
    Candidate, Differing, Ended, Figures, Plan, ShadowPlan, Shadowed, Trial,
};
use wasmill_port::compare::Difference;
use wasmill_port::plugins::{About, ActError, Action, Fault, Handled, Held, Standing, Version};
use wasmill_service::{PluginStatus, Refusal};

use super::data::ask;
use super::{Script, api};
use crate::{Acting, Control, Damages, Trying};

/// One plugin with two versions, and one whose only file was refused.
pub(super) struct Shelf;

impl Control for Shelf {
    fn statuses(&self) -> Vec<PluginStatus> {
        ["broken", "fresh", "stock"]
            .map(|name| self.status(name).expect("it is there"))
            .into()
    }

    fn status(&self, name: &str) -> Option<PluginStatus> {
        let refusal = Refusal {
            at: Millis(0),
            reason: "it is empty".to_owned(),
        };
        let full = || "the disk is full".to_owned();
        let unreadable = Standing {
            fault: Some(Fault::Unreadable("its record is damaged".to_owned())),
            ..Standing::default()
        };
        let (standing, refused, waits) = match name {
            "stock" => (Some(standing()), None, None),
            "fresh" => (None, None, None),
            "broken" => (None, Some(refusal), None),
            "full" => (None, None, Some(full())),
            "unreadable" => (Some(unreadable), None, Some(full())),
            _ => return None,
        };
        Some(PluginStatus {
            plugin: name.into(),
            standing,
            compiling: (name == "fresh").then_some(Millis(1_000)),
            refused,
            waits,
        })
    }

    fn damages(self: Arc<Self>, _: Name) -> Damages {
        let damaged = ("new".to_owned(), "it is damaged".to_owned());
        Box::pin(async { [damaged].into() })
    }

    fn act(self: Arc<Self>, name: Name, action: Action) -> Acting {
        let refused = |why: &str| Err(ActError::Refused(why.to_owned()));
        let answer = match (self.status(&name), action) {
            (None, _) => Err(ActError::Unknown(name)),
            (
                _,
                Action::Rollback {
                    version: Some(version),
                },
            ) => Err(ActError::NoVersion(version)),
            (_, Action::Unpin) => refused("the plugin is not pinned"),
            (Some(status), _) if status.waits.is_some() => {
                Err(ActError::Storage("the disk is full".to_owned()))
            }
            (Some(status), _) => Ok(status),
        };
        Box::pin(async { answer })
    }

    fn try_version(self: Arc<Self>, name: Name, version: String, plan: Plan) -> Trying {
        let answer = match name.as_str() {
            "stock" => Ok(Candidate {
                version,
                ..candidate(plan)
            }),
            _ => Err(ActError::Unknown(name)),
        };
        Box::pin(async { answer })
    }

    fn candidate(&self, name: &str) -> Option<Candidate> {
        let sample = Share::ALL;
        let plan = Plan::Shadow(ShadowPlan { sample, count: 1 });
        (name == "stock").then(|| candidate(plan))
    }

    fn promote(self: Arc<Self>, name: Name) -> Acting {
        let status = self.status(&name);
        let answer = status.ok_or(ActError::Unknown(name));
        Box::pin(async { answer })
    }

    fn end_trial(&self, name: &Name) -> Result<Candidate, ActError> {
        let candidate = self.candidate(name).map(|it| Candidate {
            ended: Some(Ended::Stopped),
            ..it
        });
        candidate.ok_or_else(|| ActError::Refused("no version of it is on trial".to_owned()))
    }
}

/// A version on trial.
fn candidate(plan: Plan) -> Candidate {
    let trial = match plan {
        Plan::Canary(plan) => Trial::Canary {
            until: Millis(0) + plan.window,
            plan,
            running: Figures::default(),
            candidate: Figures::default(),
        },
        Plan::Shadow(plan) => Trial::Shadow {
            plan,
            seen: Shadowed {
                messages: 3,
                same: 2,
                differing: vec![Differing {
                    message: MessageId(7),
                    subscription: "s".into(),
                    key: None,
                    differences: vec![Difference {
                        what: "outcome".to_owned(),
                        running: "done".to_owned(),
                        candidate: "reject".to_owned(),
                    }],
                }],
                ..Shadowed::default()
            },
        },
    };
    Candidate {
        plugin: "stock".into(),
        version: "new".to_owned(),
        running: "old".to_owned(),
        since: Millis(0),
        ended: None,
        trial,
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
        handled: Handled {
            calls: 9,
            failed: 4,
        },
        ..Standing::default()
    }
}

#[tokio::test]
async fn plugins_are_listed_with_why_one_is_not_in_service() {
    let (api, _) = api(Script::default());
    let all = ask(&api, "GET", "/v1/plugins", &Value::Null).await.json();
    let [broken, fresh, stock] = [0, 1, 2].map(|at| &all["plugins"][at]);
    assert_eq!(
        (&broken["status"], &broken["current"]),
        (&json!("refused"), &Value::Null)
    );
    assert_eq!(broken["refused"]["reason"], "it is empty");
    assert_eq!(
        (&fresh["status"], &fresh["compiling_since"]),
        (&json!("compiling"), &json!("1970-01-01T00:00:01.000Z"))
    );
    assert_eq!((&stock["calls"], &stock["failed"]), (&json!(9), &json!(4)));
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
    assert_eq!(
        (&new["damage"], &old["damage"]),
        (&json!("it is damaged"), &Value::Null)
    );
    assert_eq!(old["capabilities"], json!(["files"]));
    assert_eq!(old["served_at"], "1970-01-01T00:00:00.001Z");
}

#[tokio::test]
async fn a_wish_that_cannot_be_done_is_answered_with_why() {
    let (api, _) = api(Script::default());
    for (path, status) in [
        ("/v1/plugins/none/disable", 404),
        ("/v1/plugins/stock/rollback?version=abc", 404),
        ("/v1/plugins/stock/rollback?to=abc", 400),
        ("/v1/plugins/stock/approve", 400),
        ("/v1/plugins/stock/unpin", 409),
        ("/v1/plugins/full/pin", 507),
    ] {
        let answer = ask(&api, "POST", path, &Value::Null).await;
        answer.problem(status);
    }
    let approve = "/v1/plugins/stock/approve?version=abcdef12";
    let done = ask(&api, "POST", approve, &Value::Null).await;
    assert_eq!(
        (done.status.as_u16(), &done.json()["name"]),
        (200, &json!("stock"))
    );
}

#[tokio::test]
async fn what_the_data_directory_does_not_allow_is_told_with_its_cause() {
    let (api, _) = api(Script::default());
    let waits = ask(&api, "GET", "/v1/plugins/full", &Value::Null).await;
    let waits = waits.json();
    assert_eq!(
        (&waits["status"], &waits["waits"], &waits["refused"]),
        (&json!("waiting"), &json!("the disk is full"), &Value::Null)
    );
    let wish = ask(&api, "POST", "/v1/plugins/full/disable", &Value::Null).await;
    assert!(wish.problem(507).contains("the disk is full"));
    let history = "/v1/plugins/unreadable/versions";
    let history = ask(&api, "GET", history, &Value::Null).await;
    assert!(history.problem(409).contains("its record is damaged"));
}

#[tokio::test]
async fn a_canary_is_begun_by_its_plan_and_its_bounds_are_checked() {
    let (api, _) = api(Script::default());
    let path = |query: &str| format!("/v1/plugins/stock/canary?version=abcdef12{query}");
    let asked = path("&share=12.5%25&window=1h&fuel=3");
    let told = ask(&api, "POST", &asked, &Value::Null).await;
    assert_eq!(told.status, 200);
    let told = told.json();
    assert_eq!(told["status"], "under_way");
    let canary = &told["canary"];
    assert_eq!(
        (&canary["share"], &canary["errors"], &canary["fuel"]),
        (&json!("12.5%"), &json!(2.0), &json!(3.0))
    );
    // What is not asked for is as documented.
    let told = ask(&api, "POST", &path(""), &Value::Null).await.json();
    let canary = &told["canary"];
    assert_eq!(
        (&canary["share"], &canary["latency"], &canary["promote"]),
        (&json!("5%"), &json!(2.0), &json!(false))
    );
    assert_eq!(canary["until"], "1970-01-01T00:10:00.000Z");
    for (wrong, field) in [
        ("&share=0%25", "share"),
        ("&window=40days", "window"),
        ("&window=0s", "window"),
        ("&latency=0.5", "latency"),
    ] {
        let problem = ask(&api, "POST", &path(wrong), &Value::Null).await;
        assert_eq!(problem.status, 400, "{wrong}");
        assert_eq!(problem.json()["field"], field);
    }
}

#[tokio::test]
async fn a_shadow_shows_which_messages_differ_and_how() {
    let (api, _) = api(Script::default());
    let asked = |method: &'static str, path: &'static str| ask(&api, method, path, &Value::Null);
    let told = asked("GET", "/v1/plugins/stock/candidate").await.json();
    let shadow = &told["shadow"];
    assert_eq!(
        (&shadow["same"], &shadow["different"]),
        (&json!(2), &json!(1))
    );
    let difference = &shadow["differing"][0]["differences"][0];
    assert_eq!(difference["candidate"], "reject");
    let told = asked("POST", "/v1/plugins/stock/abort").await.json();
    assert_eq!(told["status"], "stopped");
    for (method, path, status) in [
        ("POST", "/v1/plugins/broken/abort", 409),
        ("GET", "/v1/plugins/broken/candidate", 404),
        ("POST", "/v1/plugins/none/promote", 404),
    ] {
        assert_eq!(asked(method, path).await.status, status, "{path}");
    }
}
