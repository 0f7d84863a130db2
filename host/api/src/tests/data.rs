//! The data API against a scripted platform: batches, requests, recalls and timers.

use axum::http::{HeaderValue, header};
use serde_json::{Value, json};
use wasmill_model::limits::Part;
use wasmill_model::{Exceeded, OverLimit, When};

use super::*;
use crate::Access;

const RECALL: &str = "/v1/messages/1.5.00000000000000000000000000000007";

pub(super) async fn ask(api: &Api<Scripted>, method: &str, path: &str, body: &Value) -> Answer {
    let mut request = request(method, path, body.to_string());
    let host = HeaderValue::from_static("localhost");
    request.headers_mut().insert(header::HOST, host);
    send_to(api.data_service(Access::Local).router, request).await
}

#[tokio::test]
async fn a_batch_is_answered_message_by_message() {
    let (api, script) = api(Script {
        accept: Box::new(|incoming| match incoming.topic.as_str() {
            "none" => Err(AcceptError::UnknownTopic("none".into())),
            _ => Ok(incoming.dedup.is_some()),
        }),
        ..Script::default()
    });
    let batch = json!({"messages": [
        {"topic": "a", "body": "1"}, {"topic": "none"}, {"topic": "a", "id": "i", "delay": "1s"},
    ]});
    let answer = ask(&api, "POST", "/v1/messages/batch", &batch).await;
    assert_eq!(answer.status, 200);
    let (id, json) = (ID.to_string(), answer.json());
    assert_eq!(json["refused"], 1);
    let results = &json["results"];
    assert_eq!(
        (&results[0]["message"], &results[0]["duplicate"]),
        (&json!(id), &json!(false))
    );
    assert_eq!(
        (&results[1]["status"], &results[1]["field"]),
        (&json!(400), &json!("topic"))
    );
    assert!(
        results[1]["detail"]
            .as_str()
            .unwrap()
            .contains("`none` is not declared")
    );
    assert_eq!(results[2]["duplicate"], true);
    let taken = script.incoming.lock().unwrap();
    assert_eq!(
        (&taken[0].body[..], taken[1].deliver),
        (&b"1"[..], When::After(1_000))
    );
}

#[tokio::test]
async fn a_batch_tells_as_much_of_a_refusal_as_a_single_message() {
    let over = |what| OverLimit {
        topic: "small".into(),
        exceeded: Exceeded {
            what,
            part: Some(Part::Body),
            limit: 1,
            actual: 2,
        },
    };
    let (api, _) = api(Script {
        accept: Box::new(move |incoming| match incoming.topic.as_str() {
            "stops" => Err(AcceptError::Stopped),
            "full" => Err(AcceptError::TooMany("full".to_owned())),
            _ => Err(AcceptError::Limit(over("body bytes"))),
        }),
        ..Script::default()
    });
    let topics = ["stops", "full", "small"];
    let batch = json!({"messages": topics.map(|topic| json!({"topic": topic}))});
    let batch = ask(&api, "POST", "/v1/messages/batch", &batch).await.json();
    for (topic, of_batch) in topics.iter().zip(batch["results"].as_array().unwrap()) {
        let alone = ask(&api, "POST", "/v1/messages", &json!({"topic": topic})).await;
        let problem = alone.json();
        for part in ["status", "detail", "field", "topic", "quota", "limit"] {
            assert_eq!(of_batch[part], problem[part], "{topic}: {part}");
        }
        let retry_after = of_batch["retry_after"].as_u64().map(|it| it.to_string());
        let header = alone.headers.get("retry-after");
        let header = header.map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(retry_after, header, "{topic}");
        assert_eq!(retry_after.is_none(), *topic == "small");
    }
    assert_eq!(batch["results"][2]["field"], "body");
}

#[tokio::test]
async fn an_array_is_no_object_wherever_it_stands() {
    let (api, script) = api(Script::default());
    let message = json!(["order.placed", "k"]);
    for (path, body) in [
        ("/v1/messages", message.clone()),
        ("/v1/messages/batch", json!([[{"topic": "a"}]])),
        (
            "/v1/messages/batch",
            json!({"messages": [{"topic": "a"}, message]}),
        ),
        ("/v1/request", json!([{"topic": "a"}, ["b"]])),
        (
            "/v1/request",
            json!({"message": message, "reply_on": ["b"]}),
        ),
        ("/v1/transactions", message.clone()),
    ] {
        let answer = ask(&api, "POST", path, &body).await;
        let detail = answer.problem(400);
        assert!(
            detail.contains("expected an object, found an array"),
            "{path} {body}: {detail}"
        );
    }
    assert!(script.incoming.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_malformed_message_refuses_its_whole_batch_and_is_named() {
    let (api, script) = api(Script::default());
    let wrong = json!({"messages": [{"topic": "a"}, {"topic": "a", "delay": "soon"}]});
    let answer = ask(&api, "POST", "/v1/messages/batch", &wrong).await;
    assert!(answer.problem(400).contains("message 1"));
    assert_eq!(answer.json()["field"], "messages[1].delay");
    let many = vec![json!({"topic": "a"}); 1_001];
    let answer = ask(
        &api,
        "POST",
        "/v1/messages/batch",
        &json!({"messages": many}),
    )
    .await;
    assert!(answer.problem(400).contains("at most 1000"));
    assert!(script.incoming.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_request_is_answered_with_the_reply() {
    let (api, script) = api(Script::default());
    let asked = json!({"message": {"topic": "a"}, "reply_on": ["b"], "wait": "30s"});
    let answering = async {
        loop {
            if let Some(waiting) = script.waiting.lock().unwrap().pop() {
                return drop(waiting.send(outcome("b", "yes")));
            }
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = tokio::join!(ask(&api, "POST", "/v1/request", &asked), answering);
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json["message"], ID.to_string());
    assert_eq!(
        (&json["reply"]["topic"], &json["reply"]["body"]),
        (&json!("b"), &json!("yes"))
    );
}

#[tokio::test]
async fn a_request_without_a_reply_says_that_its_message_is_durable() {
    let (api, _) = api(Script::default());
    let asked = json!({"message": {"topic": "a"}, "reply_on": ["b"], "wait": "1ms"});
    let answer = ask(&api, "POST", "/v1/request", &asked).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["message"], ID.to_string());
    for (field, wrong) in [
        (
            "reply_on",
            json!({"message": {"topic": "a"}, "reply_on": []}),
        ),
        (
            "reply_on",
            json!({"message": {"topic": "a"}, "reply_on": ["b", "a"]}),
        ),
        (
            "wait",
            json!({"message": {"topic": "a"}, "reply_on": ["b"], "wait": "1h"}),
        ),
    ] {
        let answer = ask(&api, "POST", "/v1/request", &wrong).await;
        answer.problem(400);
        assert_eq!(answer.json()["field"], field);
    }
}

#[tokio::test]
async fn what_is_recalled_is_told_apart_from_what_is_gone_or_was_handed_out() {
    let (api, _) = api(Script::default());
    let nothing = Value::Null;
    let done = ask(&api, "DELETE", RECALL, &nothing).await;
    assert_eq!((done.status, done.body.len()), (StatusCode::NO_CONTENT, 0));
    let gone = format!("/v1/messages/{ID}?plugin=p&key=k");
    ask(&api, "DELETE", &gone, &nothing).await.problem(404);
    let handed = ask(&api, "DELETE", "/v1/timers/p/t?key=k", &nothing).await;
    assert!(handed.problem(409).contains("a handler had it"));
    let half = format!("/v1/messages/{ID}?plugin=p");
    ask(&api, "DELETE", &half, &nothing).await.problem(400);
    ask(&api, "DELETE", "/v1/messages/7", &nothing)
        .await
        .problem(400);
    ask(&api, "GET", "/v1/timers/p", &nothing)
        .await
        .problem(400);
    let none = ask(&api, "GET", "/v1/timers/p?key=k", &nothing).await;
    assert_eq!(none.json(), json!({"timers": [], "next": null}));
}
