//! Whatever is sent to the data API, it answers with reasons, never with a 5xx, and lives on.

use anyhow::{Result, ensure};
use bytes::Bytes;
use hyper::{Method, StatusCode};
use testkit::client::Reply;
use wasmill_fuzz::Target;

use crate::world::{COUNTER, Host};

/// Good requests of what takes a body: method, path, and bodies.
const BODIES: [(&str, &[&str]); 4] = [
    (
        "/v1/messages",
        &[
            r#"{"topic": "work", "key": "k", "tag": "t", "headers": [["a", "b"]], "body": "x"}"#,
            r#"{"topic": "work", "body_base64": "AAEC", "id": "one", "window": "1h"}"#,
            r#"{"topic": "work", "key": "k", "delay": "300days"}"#,
            r#"{"topic": "work", "deliver_at": "2027-01-31T08:00:00.250Z", "delay_level": 3}"#,
        ],
    ),
    (
        "/v1/messages/batch",
        &[r#"{"messages": [{"topic": "work", "key": "k"}, {"topic": "work", "id": "i"}]}"#],
    ),
    (
        "/v1/request",
        &[r#"{"message": {"topic": "work", "key": "k"}, "reply_on": ["counted"], "wait": "1ms"}"#],
    ),
    (
        "/v1/transactions",
        &[r#"{"topic": "work", "key": "k", "body": "x", "check_url": "http://127.0.0.1:9/a"}"#],
    ),
];

/// Good requests without one.
const PATHS: [(Method, &str); 14] = [
    (Method::GET, "/v1/dead-letters?limit=10&subscription=worker"),
    (Method::GET, "/v1/dead-letters/3.7.worker"),
    (Method::DELETE, "/v1/dead-letters/3.7.worker"),
    (
        Method::POST,
        "/v1/dead-letters/3.7.worker/redrive?to=worker",
    ),
    (Method::POST, "/v1/dead-letters/redrive?subscription=worker"),
    (
        Method::POST,
        "/v1/dead-letters/3.7.worker/preview?version=0123456789",
    ),
    (
        Method::POST,
        "/v1/dead-letters/preview?subscription=worker&limit=3",
    ),
    (Method::GET, "/v1/subscriptions/worker/halted"),
    (Method::POST, "/v1/subscriptions/worker/resume?key=k"),
    (Method::POST, "/v1/subscriptions/worker/position?to=first"),
    (
        Method::POST,
        "/v1/transactions/3.000000000000000000000000000000ff/commit",
    ),
    (
        Method::DELETE,
        "/v1/messages/3.1794470400000.000000000000000000000000000000ff",
    ),
    (Method::GET, "/v1/timers/counter?key=k&after=a&limit=3"),
    (
        Method::GET,
        "/v1/messages?key=k&topic=work&from=2026-01-01T00:00:00Z&limit=3",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn fuzzed_requests_are_refused_with_a_reason_and_never_fail_the_host() -> Result<()> {
    let mut host = Host::with(COUNTER, &["counter"]).await?;
    let api = host.server.data_api();
    for (path, bodies) in BODIES {
        let first = bodies.iter().map(|body| body.as_bytes().to_vec());
        let first: Vec<_> = first.collect();
        let mut target = Target::new("bodies", &first);
        while let Some(body) = target.next_input() {
            let sent = Bytes::from(body.clone());
            let reply = api.send(Method::POST, path, sent).await;
            let said = judged(reply).inspect_err(|_| target.show(&body))?;
            target.answered(body, &said);
        }
    }
    for (method, path) in PATHS {
        let mut target = Target::new("paths", &[path.as_bytes().to_vec()]);
        while let Some(path) = target.next_input() {
            // What is no path at all, a client does not send.
            let Some(text) = String::from_utf8(path.clone())
                .ok()
                .filter(|it| is_path(it))
            else {
                target.answered(path, "no path");
                continue;
            };
            let reply = api.send(method.clone(), &text, Bytes::new()).await;
            let said = judged(reply).inspect_err(|_| target.show(&path))?;
            target.answered(path, &said);
        }
    }
    ensure!(host.server.is_running()?, "{}", host.server.log_tail());
    host.server.stop().await
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.parse::<hyper::Uri>().is_ok()
}

/// What a reply says. It has a reason if it refuses.
fn judged(reply: Result<Reply>) -> Result<String> {
    let reply = reply?;
    let status = reply.status;
    // Overload is the client's to wait for.
    let is_ours = status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE;
    ensure!(!is_ours, "{reply}");
    if status.is_success() {
        return Ok(status.to_string());
    }
    let problem: serde_json::Value = reply.json()?;
    let detail = problem["detail"].as_str().unwrap_or_default();
    ensure!(!detail.is_empty(), "refused without a reason: {reply}");
    Ok(format!("{status} {detail}"))
}
