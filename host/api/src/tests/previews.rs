//! Previews of dead letters, and which version they are redriven through.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use wasmill_model::effects::{
    Delayed, Effects, Failure, FailureKind, Outcome, Scope, Send, TimerRef,
};
use wasmill_model::half::Owner;
use wasmill_model::{Half, Message, MessageId, Millis, Target, When, reserved};
use wasmill_port::chosen::Rehearsed;
use wasmill_port::plugins::ActError;
use wasmill_service::{LetterId, OperateError, Preview, Previews, RedriveError, Through};

use super::data::ask;
use super::{Script, api};

/// The only version that is kept.
const VERSION: &str = "abcdef1234567890";

/// Whether the scripted plugins have the version.
pub(super) fn check(through: Through<'_>) -> Result<(), OperateError> {
    match through.version {
        Some(version) if !VERSION.starts_with(version) => {
            let why = format!("no version `{version}` is kept");
            Err(ActError::NoVersion(why).into())
        }
        _ => Ok(()),
    }
}

/// What the scripted plugin would do with letters.
pub(super) fn of(
    letters: impl IntoIterator<Item = LetterId>,
    through: Through<'_>,
) -> Result<Previews, OperateError> {
    check(through)?;
    Ok(Previews {
        plugin: "p".into(),
        version: VERSION.into(),
        previews: letters.into_iter().map(preview).collect(),
        next: None,
    })
}

/// By the letter's number: what is done, a fault, or nothing since it cannot go there.
fn preview(id: LetterId) -> Preview {
    let target = match id.seq {
        2 => Err(RedriveError::UnknownSubscription("gone".into())),
        _ => Ok(Target {
            subscription: id.subscription.clone(),
            key: Some("k".into()),
        }),
    };
    let rehearsed = target.is_ok().then(|| Rehearsed {
        outcome: Outcome::from(match id.seq {
            0 => Ok(effects()),
            _ => Err(Failure {
                kind: FailureKind::Retry,
                cause: "it trapped".to_owned(),
            }),
        }),
        is_fault: id.seq == 1,
        requests: vec!["GET http://a/".to_owned()],
        requests_count: 1,
        lacks_files: true,
    });
    Preview {
        prepared: Vec::from([half()]),
        id,
        target,
        rehearsed,
    }
}

fn message(id: u128, timer: Option<&str>) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId(id),
        topic: "t".into(),
        key: Some("k".into()),
        tag: None,
        headers: Vec::new(),
        body: Bytes::from_static(b"body"),
        produced_at: Millis(0),
        correlation: MessageId(id),
        causation: None,
        timer: timer.map(Into::into),
    })
}

fn half() -> Half {
    Half {
        message: message(9, None),
        deliver: When::Now,
        owner: Owner::Plugin {
            scope: Scope {
                plugin: "p".into(),
                key: "k".into(),
            },
            name: "pay".into(),
        },
        prepared_at: Millis(0),
        checks: 0,
        next_check: None,
        cause: None,
    }
}

fn effects() -> Effects {
    let later = |id, timer| Delayed {
        due: Millis(1),
        message: message(id, timer),
        scope: None,
    };
    Effects {
        sends: vec![Send {
            topic: None,
            message: message(1, None),
            targets: Vec::new(),
            unroutable: Vec::new(),
        }],
        delayed: vec![later(2, Some("soon")), later(3, None)],
        cancelled: vec![TimerRef {
            due: Millis(5),
            id: MessageId(4),
        }],
        writes: vec![
            ("left".into(), Some(Bytes::from_static(b"41"))),
            ("raw".into(), Some(Bytes::from_static(&[0xff]))),
            ("old".into(), None),
            (reserved::timer("soon"), Some(Bytes::new())),
            (reserved::timer("late"), None),
            (reserved::recallable(MessageId(5)), None),
            (reserved::claim("once"), Some(Bytes::new())),
            (reserved::SCHEMA.into(), Some(Bytes::new())),
        ],
        settled: Vec::new(),
    }
}

#[tokio::test]
async fn a_preview_tells_what_would_be_committed_and_what_would_not() {
    let (api, _) = api(Script::default());
    let path = "/v1/dead-letters/0.0.s/preview?version=abcdef12";
    let told = ask(&api, "POST", path, &Value::Null).await.json();
    assert_eq!(
        (&told["plugin"], &told["version"]),
        (&json!("p"), &json!(VERSION))
    );
    let preview = &told["previews"][0];
    assert_eq!(
        (&preview["outcome"], &preview["cause"], &preview["key"]),
        (&json!("ok"), &Value::Null, &json!("k"))
    );
    let effects = &preview["effects"];
    let written = json!([{"name": "left", "value": "41"}, {"name": "raw", "value_base64": "/w=="}]);
    assert_eq!(
        (&effects["written"], &effects["deleted"]),
        (&written, &json!(["old"]))
    );
    assert_eq!(effects["sent"][0]["body"], "body");
    assert_eq!(effects["timers_set"][0]["name"], "soon");
    assert_eq!(effects["delayed"][0]["due"], "1970-01-01T00:00:00.001Z");
    assert_eq!(
        (&effects["timers_cancelled"], &effects["claimed"]),
        (&json!(["late"]), &json!(["once"]))
    );
    assert_eq!(effects["recalled"], json!([MessageId(5).to_string()]));
    assert_eq!(preview["prepared"][0]["name"], "pay");
    assert_eq!(
        (&preview["requests"], &preview["without_files"]),
        (&json!(["GET http://a/"]), &json!(true))
    );
}

#[tokio::test]
async fn letters_of_a_subscription_are_previewed_each_by_itself() {
    let (api, _) = api(Script::default());
    let path = "/v1/dead-letters/preview?subscription=s&limit=3";
    let told = ask(&api, "POST", path, &Value::Null).await.json();
    let outcomes = told["previews"].as_array().expect("a list").iter();
    let outcomes: Vec<_> = outcomes.map(|it| (&it["outcome"], &it["cause"])).collect();
    assert_eq!(outcomes[0].0, "ok");
    assert_eq!(outcomes[1], (&json!("fault"), &json!("it trapped")));
    assert_eq!(outcomes[2].0, "refused");
    let why = outcomes[2].1.to_string();
    assert!(why.contains("`gone` is not in the routes"), "{why}");
}

#[tokio::test]
async fn a_version_that_is_not_kept_and_a_bound_that_is_too_high_are_refused() {
    let (api, _) = api(Script::default());
    for (path, status) in [
        ("/v1/dead-letters/0.0.s/preview?version=12345678", 404),
        (
            "/v1/dead-letters/preview?subscription=s&version=12345678",
            404,
        ),
        ("/v1/dead-letters/preview?subscription=s&limit=101", 400),
        ("/v1/dead-letters/preview?limit=1", 400),
        (
            "/v1/dead-letters/redrive?subscription=s&version=12345678",
            404,
        ),
    ] {
        let answer = ask(&api, "POST", path, &Value::Null).await;
        answer.problem(status);
    }
}
