//! Topics over the data API against a scripted platform: quotas refuse, and are shown.

use std::time::Duration;

use axum::http::{HeaderValue, header};
use serde_json::{Value, json};
use wasmill_service::{OverQuota, QuotaBound};

use super::*;
use crate::Access;

async fn ask(api: &Api<Scripted>, method: &str, path: &str, body: &Value) -> Answer {
    let mut request = request(method, path, body.to_string());
    let host = HeaderValue::from_static("localhost");
    request.headers_mut().insert(header::HOST, host);
    send_to(api.data_service(Access::Local).router, request).await
}

/// A platform on which every topic is used up but `free`.
fn used_up() -> Script {
    let over = |incoming: &Incoming| OverQuota {
        topic: incoming.topic.clone(),
        bound: QuotaBound::Bytes(10),
        retry_after: Duration::from_millis(1_001),
    };
    Script {
        accept: Box::new(move |incoming| match incoming.topic.as_str() {
            "free" => Ok(false),
            _ => Err(AcceptError::Quota(over(incoming))),
        }),
        ..Script::default()
    }
}

#[tokio::test]
async fn over_a_quota_the_answer_names_it_and_says_when_to_come_again() {
    let (api, _) = api(used_up());
    let message = json!({"topic": "a"});
    for (path, body) in [
        ("/v1/messages", message.clone()),
        ("/v1/transactions", message.clone()),
        (
            "/v1/request",
            json!({"message": message, "reply_on": ["b"]}),
        ),
    ] {
        let answer = ask(&api, "POST", path, &body).await;
        let detail = answer.problem(429);
        assert!(detail.contains("10 bytes a second"), "{detail}");
        assert_eq!(answer.header("retry-after"), "2");
        let json = answer.json();
        assert_eq!(
            (&json["topic"], &json["quota"]),
            (&json!("a"), &json!("bytes_per_second"))
        );
    }
    let answer = post(&api, "/orders", "{}").await;
    answer.problem(429);
    assert_eq!(answer.json()["topic"], "order.placed");

    let batch = json!({"messages": [{"topic": "free"}, {"topic": "a"}]});
    let answer = ask(&api, "POST", "/v1/messages/batch", &batch).await.json();
    let refused = &answer["results"][1];
    assert_eq!(
        (&refused["status"], &refused["retry_after"]),
        (&json!(429), &json!(2))
    );
    assert_eq!(
        (&refused["topic"], &refused["quota"]),
        (&json!("a"), &json!("bytes_per_second"))
    );
}

#[tokio::test]
async fn a_topic_is_shown_as_its_closest_declaration_has_it() {
    let (api, _) = api(Script::default());
    let listed = ask(&api, "GET", "/v1/topics", &Value::Null).await.json();
    let shown = json!({
        "name": "order.*", "body_bytes_max": 4_194_304, "headers_bytes_max": 16_384,
        "headers_count_max": 128, "retention_seconds": 60, "pending_max": null,
        "messages": {"per_second": 5, "burst": 10, "used": 3}, "bytes": null,
        "outside": 7, "inside": 8, "refused": {"messages_per_second": 9},
        "subscriptions": [{"name": "s", "pending": 2}],
    });
    assert_eq!(listed, json!({"topics": [shown], "next": "order.*"}));
    let rest = ask(&api, "GET", "/v1/topics?after=order.*", &Value::Null).await;
    assert_eq!(rest.json(), json!({"topics": [], "next": null}));
    let none = ask(&api, "GET", "/v1/topics?limit=0", &Value::Null).await;
    assert!(none.problem(400).contains("`limit` is from 1 to 1000"));
    for name in ["order.placed", "order.*"] {
        let answer = ask(&api, "GET", &format!("/v1/topics/{name}"), &Value::Null).await;
        assert_eq!(answer.json(), shown);
    }
    for name in ["mail", "*"] {
        let answer = ask(&api, "GET", &format!("/v1/topics/{name}"), &Value::Null).await;
        assert!(answer.problem(404).contains("is not declared"));
    }
}
