//! Previews of dead letters, and which version they are redriven through.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use wasmill_model::effects::{
    Delayed, Effects, Failure, FailureKind, Outcome, Scope, Send, TimerRef,
};
use wasmill_model::half::Owner;
use wasmill_model::{Decision, Half, Message, MessageId, Millis, Name, Target, When, reserved};
use wasmill_port::chosen::Rehearsed;
use wasmill_port::plugins::ActError;
use wasmill_service::{Foretold, LetterId, OperateError, Preview, Previews, RedriveError, Through};

use super::data::ask;
use super::{Script, api};

/// The only version that is kept.
const VERSION: &str = "abcdef1234567890";

/// Whether the scripted plugins have the version, and time for it.
pub(super) fn check(through: Through<'_>) -> Result<(), OperateError> {
    match through.version {
        Some("busy") => Err(OperateError::Previewing),
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

/// By the letter's number: what is done, a fault, nothing since it cannot go there, or too much.
fn preview(id: LetterId) -> Preview {
    let target = Target {
        subscription: id.subscription.clone(),
        key: Some("k".into()),
    };
    let foretold = |result, halves: &[Half]| {
        let rehearsed = Rehearsed {
            outcome: Outcome::from(result),
            is_fault: id.seq == 1,
            requests: vec!["GET http://a/".to_owned(); halves.len().min(64)],
            requests_count: halves.len() as u64,
            lacks_files: true,
        };
        Foretold::new(target, rehearsed, halves)
    };
    let foretold = match id.seq {
        0 => Ok(foretold(Ok(effects()), &[half()])),
        2 => Err(RedriveError::UnknownSubscription("gone".into())),
        3 => Ok(foretold(Ok(excess()), &vec![half(); 1_000])),
        _ => {
            let cause = "it trapped".to_owned();
            let kind = FailureKind::Retry;
            Ok(foretold(Err(Failure { kind, cause }), &[]))
        }
    };
    Preview { id, foretold }
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

/// The most that a handler may do, of each kind, in what takes most room in an answer.
fn excess() -> Effects {
    let name = |nth: usize| format!("{nth:03}{}", "\u{1}".repeat(253));
    let message = |timer: Option<Name>| {
        Arc::new(Message {
            key: Some("\u{1}".repeat(256).into()),
            headers: vec![(
                "\u{1}".repeat(8 << 10).into(),
                "\u{1}".repeat(8 << 10).into(),
            )],
            body: Bytes::from(vec![1; 1 << 20]),
            timer,
            ..Message::clone(&self::message(1, None))
        })
    };
    let (plain, timer) = (message(None), message(Some(name(0).into())));
    let all = 0..1_000;
    let later = [&plain, &timer].map(|message| Delayed {
        due: Millis(1),
        message: message.clone(),
        scope: None,
    });
    let value = Bytes::from(vec![1; 1 << 20]);
    let of_kinds = |nth| {
        let name = name(nth);
        let id = MessageId(nth as u128);
        [
            (format!("w{name}").into(), Some(value.clone())),
            (format!("d{name}").into(), None),
            (reserved::timer(&name), None),
            (reserved::recallable(id), None),
            (reserved::claim(&name), Some(Bytes::new())),
        ]
    };
    let sent = Send {
        topic: None,
        message: plain.clone(),
        targets: Vec::new(),
        unroutable: Vec::new(),
    };
    Effects {
        sends: vec![sent; 1_000],
        delayed: all.clone().flat_map(|_| later.clone()).collect(),
        cancelled: Vec::new(),
        writes: all.clone().flat_map(of_kinds).collect(),
        settled: all.map(|_| (Arc::new(half()), Decision::Commit)).collect(),
    }
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
    let written = json!([
        {"name": "left", "value_bytes": 2, "value": "41"},
        {"name": "raw", "value_bytes": 1, "value_base64": "/w=="}]);
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
    assert_eq!(
        (&preview["requests_count"], &preview["more"]),
        (&json!(1), &json!({}))
    );
}

#[tokio::test]
async fn of_much_that_would_be_done_the_first_is_told_and_the_rest_counted() {
    let (api, _) = api(Script::default());
    let path = "/v1/dead-letters/0.3.s/preview";
    let answer = ask(&api, "POST", path, &Value::Null).await;
    // A third of what an answer has, so that it has room for several.
    let most = (4 << 20) * 3 / 8;
    assert!(answer.body.len() <= most, "{}", answer.body.len());
    let preview = &answer.json()["previews"][0];
    let (effects, more) = (&preview["effects"], &preview["more"]);
    for kind in [
        "sent",
        "delayed",
        "written",
        "deleted",
        "timers_set",
        "timers_cancelled",
        "recalled",
        "claimed",
        "settled",
    ] {
        let told = effects[kind].as_array().expect("a list").len();
        assert!(told > 0, "{kind}");
        assert_eq!(more[kind], 1_000 - told, "{kind}");
    }
    assert_eq!(preview["requests_count"], 1_000);
    assert_eq!(
        (&more["requests"], &more["prepared"]),
        (&json!(936), &json!(936))
    );
    let sent = &effects["sent"][0];
    assert_eq!(sent["body"].as_str().map(str::len), Some(4 << 10));
    assert_eq!(sent["body_bytes"], 1 << 20);
    let hash = "ee78cd29d3a534713b36e6ff6fa3668c8a8f851a542d5eb2401c25ca4e057d02";
    assert_eq!(sent["body_sha256"], hash);
    let written = &effects["written"][0];
    assert_eq!(written["value"].as_str().map(str::len), Some(4 << 10));
    assert_eq!(
        (&written["value_bytes"], &written["value_sha256"]),
        (&json!(1 << 20), &json!(hash))
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
async fn who_comes_while_others_have_all_places_is_told_when_to_come_again() {
    let (api, _) = api(Script::default());
    let path = "/v1/dead-letters/preview?subscription=s&version=busy";
    let answer = ask(&api, "POST", path, &Value::Null).await;
    assert_eq!(answer.headers["retry-after"], "1");
    answer.problem(429);
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
