//! `?wait=`: outcomes in time, too late, and of repeated requests.

use std::sync::Arc;
use std::time::Duration;

use wasmill_port::guest;
use wasmill_service::QueryError;

use super::{Answer, ID, Script, api, outcome, post, response};
use crate::Api;

/// Sends `outcome` as soon as somebody waits for one.
async fn settle(script: &Script) {
    loop {
        if let Some(sender) = script.waiting.lock().expect("unpoisoned").pop() {
            sender
                .send(outcome("order.confirmed", "{\"status\":\"confirmed\"}"))
                .expect("a waiter");
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn assert_confirmed(answer: &Answer) {
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, "{\"status\":\"confirmed\"}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("wasmill-outcome-topic"), "order.confirmed");
    assert_eq!(answer.header("wasmill-message-id"), ID.to_string());
}

#[tokio::test]
async fn an_outcome_in_time_is_the_answer() {
    let (api, script) = api(Script::default());
    let (answer, ()) = tokio::join!(post(&api, "/orders?wait=2s", "{}"), settle(&script));
    assert_confirmed(&answer);
    assert_eq!(
        script.incoming.lock().expect("unpoisoned")[0].wait_for,
        ["order.confirmed"]
    );
}

#[tokio::test(start_paused = true)]
async fn past_the_wait_the_answer_is_the_ordinary_one() {
    let (api, _script) = api(Script::default());
    let start = tokio::time::Instant::now();
    let answer = post(&api, "/orders?wait=2s", "{}").await;
    assert_eq!(
        (answer.status.as_u16(), start.elapsed().as_secs()),
        (202, 2)
    );
    assert_eq!(answer.body, "{\"order_id\":\"k\"}");
}

#[tokio::test]
async fn a_platform_that_drops_the_waiter_leaves_the_ordinary_answer() {
    let (api, script) = api(Script::default());
    let forget = async {
        while script.waiting.lock().expect("unpoisoned").pop().is_none() {
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = tokio::join!(post(&api, "/orders?wait=1m", "{}"), forget);
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn a_host_that_stops_lets_nobody_wait() {
    let (api, _script) = api(Script::default());
    let stop = async { api.stop() };
    let (answer, ()) = tokio::join!(post(&api, "/orders?wait=1m", "{}"), stop);
    assert_eq!(answer.status, 202);
}

/// An API whose requests are all repeated, and answered so by the query.
fn repeated(
    query: impl Fn() -> Result<wasmill_model::http::Response, QueryError> + Send + Sync + 'static,
) -> (Api<super::Scripted>, Arc<Script>) {
    api(Script {
        accept: Box::new(|_| Ok(true)),
        query: Box::new(move |key, request| {
            assert_eq!((&**key, request.path.as_str()), ("k", "/orders/k"));
            query()
        }),
        ..Script::default()
    })
}

#[tokio::test]
async fn a_repeated_request_after_settlement_is_answered_by_the_query() {
    let (api, _script) = repeated(|| Ok(response(200, "{\"settled\":1}", true)));
    let answer = post(&api, "/orders?wait=1m", "{}").await;
    assert_eq!(
        (answer.status.as_u16(), &*answer.body),
        (200, &b"{\"settled\":1}"[..])
    );
    assert_eq!(answer.header("wasmill-message-id"), ID.to_string());
}

#[tokio::test]
async fn a_repeated_request_before_settlement_waits_for_the_outcome() {
    let (api, script) = repeated(|| Ok(response(200, "{}", false)));
    let (answer, ()) = tokio::join!(post(&api, "/orders?wait=1m", "{}"), settle(&script));
    assert_confirmed(&answer);
}

#[tokio::test]
async fn a_repeated_request_whose_query_fails_waits_all_the_same() {
    let (api, script) = repeated(|| Err(guest::Error::Unavailable("order".into()).into()));
    let (answer, ()) = tokio::join!(post(&api, "/orders?wait=1m", "{}"), settle(&script));
    assert_confirmed(&answer);
}

#[tokio::test]
async fn a_repeated_request_that_does_not_wait_asks_no_query() {
    let (api, _) = repeated(|| panic!("asked"));
    assert_eq!(post(&api, "/orders", "{}").await.status, 202);
}

#[tokio::test]
async fn a_key_with_a_slash_finds_its_query() {
    let (api, _script) = api(Script {
        admit: Box::new(|request| {
            let key = Some("a/b ü".into());
            Ok(Ok(wasmill_model::http::Accepted {
                key,
                ..super::admitted(request)
            }))
        }),
        accept: Box::new(|_| Ok(true)),
        query: Box::new(|key, request| {
            assert_eq!(&**key, "a/b ü");
            assert_eq!(request.params, [("id".to_owned(), "a/b ü".to_owned())]);
            Ok(response(404, "{}", true))
        }),
        ..Script::default()
    });
    assert_eq!(post(&api, "/orders?wait=1m", "{}").await.status, 404);
}

#[tokio::test]
async fn a_wait_that_cannot_be_is_refused_before_anything_is_stored() {
    let (api, script) = api(Script::default());
    let cases = [
        (
            "/orders?wait=soon",
            "`wait` is `soon`, which is not a span of time such as `2s`",
        ),
        (
            "/orders?wait=61s",
            "`wait` is 61s, but at most 1m is allowed",
        ),
        ("/orders?wait=1s&wait=2s", "`wait` is given more than once"),
    ];
    for (path, expected) in cases {
        let answer = post(&api, path, "{}").await;
        assert_eq!(answer.problem(400), expected);
        assert_eq!(answer.json()["field"], "wait");
    }
    let put = super::request("PUT", "/stock/x?wait=1s", "{}");
    let detail = super::send(&api, put).await.problem(400);
    assert_eq!(
        detail,
        "this route has no outcome to wait for; leave `wait` out"
    );
    assert!(script.incoming.lock().expect("unpoisoned").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_gate_does_not_see_the_wait() {
    let (api, _script) = api(Script {
        admit: Box::new(|request| {
            assert_eq!(request.query, [("a".to_owned(), "1".to_owned())]);
            Ok(Ok(super::admitted(request)))
        }),
        ..Script::default()
    });
    let wait = Duration::from_millis(5);
    let path = format!("/orders?wait={}ms&a=1", wait.as_millis());
    assert_eq!(post(&api, &path, "{}").await.status, 202);
}
