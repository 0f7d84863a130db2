//! Requests that become messages, and those that do not.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::Request;
use bytes::Bytes;
use hyper::body::Frame;
use wasmill_model::http::Problem;
use wasmill_model::limits::Part;
use wasmill_model::{Exceeded, OverLimit};
use wasmill_port::guest;
use wasmill_service::AcceptError;

use super::{ID, Script, admitted, api, api_with, closed_api, post, request, send};
use crate::Limits;

/// How long the routes remember a producer's id.
const MINUTE: Duration = Duration::from_secs(60);

fn keyed(mut request: Request<Body>, idempotency_key: &str) -> Request<Body> {
    let value = idempotency_key.parse().expect("a value");
    request.headers_mut().insert("Idempotency-Key", value);
    request
}

#[tokio::test]
async fn a_request_is_answered_with_what_its_gate_says_once_it_is_durable() {
    let (api, script) = api(Script::default());
    let answer = post(&api, "/orders?a=1", "{}").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.body, "{\"order_id\":\"k\"}");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("wasmill-message-id"), ID.to_string());
    let incoming = &script.incoming.lock().expect("unpoisoned")[0];
    assert_eq!(
        (&*incoming.topic, incoming.key.as_deref()),
        ("order.placed", Some("k"))
    );
    assert!(incoming.dedup.is_none() && incoming.wait_for.is_empty());
}

#[tokio::test]
async fn the_gate_sees_the_whole_request() {
    let (api, _) = api(Script {
        admit: Box::new(|seen| {
            assert_eq!(
                (seen.method.as_str(), seen.path.as_str()),
                ("POST", "/orders")
            );
            assert_eq!(seen.query, [("a b".to_owned(), "ü".to_owned())]);
            let header = |name: &str| seen.headers.iter().find(|(n, _)| n == name);
            assert_eq!(
                header("x-signature").map(|(_, v)| v.as_str()),
                Some("one, two")
            );
            assert!(header("x-binary").is_none());
            assert_eq!(seen.body, "raw");
            Ok(Ok(admitted(seen)))
        }),
        ..Script::default()
    });
    let mut request = request("POST", "/orders?a%20b=%C3%BC", "raw");
    request
        .headers_mut()
        .append("X-Signature", "one".parse().expect("a value"));
    request
        .headers_mut()
        .append("X-Signature", "two".parse().expect("a value"));
    let binary = axum::http::HeaderValue::from_bytes(&[0xff]).expect("a value");
    request.headers_mut().insert("X-Binary", binary);
    assert_eq!(send(&api, request).await.status, 202);
}

#[tokio::test]
async fn without_a_gate_the_key_comes_from_the_decoded_path() {
    let (api, script) = api(Script::default());
    let answer = send(&api, request("PUT", "/stock/a%2Fb", "{}")).await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["message_id"], ID.to_string());
    assert_eq!(
        script.incoming.lock().expect("unpoisoned")[0]
            .key
            .as_deref(),
        Some("a/b")
    );
}

#[tokio::test]
async fn a_key_that_is_too_long_is_refused() {
    let (api, _) = api(Script::default());
    let path = format!("/stock/{}", "x".repeat(257));
    let detail = send(&api, request("PUT", &path, "{}")).await.problem(400);
    assert_eq!(
        detail,
        "a key or an id has 1 to 256 bytes, this one has 257"
    );
}

#[tokio::test]
async fn a_parameter_that_is_not_text_is_refused() {
    let (api, _) = api(Script::default());
    let detail = send(&api, request("PUT", "/stock/%ff", "{}"))
        .await
        .problem(400);
    assert_eq!(detail, "the path's `sku` is not UTF-8");
}

#[tokio::test]
async fn a_gate_that_refuses_names_the_field() {
    let (api, script) = api(Script {
        admit: Box::new(|_| {
            Ok(Err(Problem {
                status: 401,
                title: "signature".into(),
                detail: "the signature is wrong".into(),
                field: Some("x-signature".into()),
            }))
        }),
        ..Script::default()
    });
    let answer = post(&api, "/orders", "{}").await;
    assert_eq!(answer.problem(401), "the signature is wrong");
    assert_eq!(answer.json()["field"], "x-signature");
    assert_eq!(answer.json()["title"], "signature");
    assert!(script.incoming.lock().expect("unpoisoned").is_empty());
}

#[tokio::test]
async fn with_a_gate_only_the_gate_names_the_producers_id() {
    let (api, script) = api(Script {
        admit: Box::new(|request| {
            let dedup_id = (request.body == "own").then(|| "gate".to_owned());
            Ok(Ok(wasmill_model::http::Accepted {
                dedup_id,
                ..admitted(request)
            }))
        }),
        ..Script::default()
    });
    for body in ["own", "none"] {
        let request = keyed(request("POST", "/orders", body), "header");
        assert_eq!(send(&api, request).await.status, 202);
    }
    let incoming = script.incoming.lock().expect("unpoisoned");
    let own = incoming[0].dedup.as_ref().expect("the gate's id");
    assert_eq!((own.id.as_str(), own.window), ("gate", MINUTE));
    assert!(incoming[1].dedup.is_none(), "the gate says it is a new one");
}

#[tokio::test]
async fn without_a_gate_the_idempotency_key_is_the_producers_id() {
    let (api, script) = api(Script::default());
    send(&api, keyed(request("PUT", "/stock/a", "{}"), "header")).await;
    send(&api, request("PUT", "/stock/a", "{}")).await;
    let incoming = script.incoming.lock().expect("unpoisoned");
    let named = incoming[0].dedup.as_ref().expect("the header's id");
    assert_eq!((named.id.as_str(), named.window), ("header", MINUTE));
    assert!(incoming[1].dedup.is_none());
}

#[tokio::test]
async fn an_id_that_the_route_names_is_the_producers_and_the_header_is_not() {
    let (api, script) = api(Script::default());
    let named = |body: &'static str| keyed(request("POST", "/payments", body), "header");
    for body in ["{\"payment_id\":\"p-1\"}", "{\"payment_id\":7}"] {
        assert_eq!(send(&api, named(body)).await.status, 202);
    }
    let detail = send(&api, named("{\"payment\":7}")).await.problem(400);
    assert_eq!(
        detail,
        "the body has no text or integer at `/payment_id` to take a key or an id from"
    );
    let incoming = script.incoming.lock().expect("unpoisoned");
    let ids = incoming.iter().map(|it| it.dedup.as_ref().expect("an id"));
    let ids: Vec<_> = ids.map(|it| (it.id.as_str(), it.window)).collect();
    assert_eq!(ids, [("p-1", MINUTE), ("7", MINUTE)]);
}

#[tokio::test]
async fn an_idempotency_key_out_of_bounds_is_refused() {
    let (api, _) = api(Script::default());
    let request = request("PUT", "/stock/a", "{}");
    let answer = send(&api, keyed(request, &"x".repeat(257))).await;
    assert_eq!(
        answer.problem(400),
        "`Idempotency-Key` must be a text of 1 to 256 bytes"
    );
    assert_eq!(answer.json()["field"], "Idempotency-Key");
}

#[tokio::test]
async fn a_body_over_the_routes_limit_is_refused_by_its_stated_length() {
    let (api, _) = api(Script::default());
    let answer = post(&api, "/orders", "x".repeat(101)).await;
    let expected = "the body is larger than the 100 bytes that this route takes";
    assert_eq!(answer.problem(413), expected);
    assert_eq!(post(&api, "/orders", "x".repeat(100)).await.status, 202);
}

/// A body that comes in pieces and states no length.
struct Pieces(VecDeque<&'static [u8]>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.0.pop_front();
        Poll::Ready(piece.map(|piece| Ok(Frame::data(Bytes::from_static(piece)))))
    }
}

fn pieces(pieces: &[&'static [u8]]) -> Body {
    Body::new(Pieces(pieces.iter().copied().collect()))
}

#[tokio::test]
async fn a_body_that_grows_over_the_limit_is_refused() {
    let (api, _) = api(Script::default());
    let answer = post(&api, "/orders", pieces(&[&[b'x'; 60], &[b'x'; 60]])).await;
    answer.problem(413);
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let (api, script) = api(Script::default());
    let body = pieces(&[b"a", b"", b"b", b"c"]);
    assert_eq!(post(&api, "/orders", body).await.status, 202);
    assert_eq!(script.incoming.lock().expect("unpoisoned")[0].body, "abc");
}

#[tokio::test]
async fn bodies_beyond_the_memory_for_all_of_them_are_told_to_come_again() {
    let (api, _) = api_with(
        Limits {
            bodies_bytes_max: 0,
            ..Limits::default()
        },
        Script::default(),
    );
    for body in [Body::from("x"), pieces(&[b"x"])] {
        let answer = post(&api, "/orders", body).await;
        assert_eq!(
            answer.problem(429),
            "the host has as many bytes of requests in hand as it can hold"
        );
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn requests_beyond_the_limit_are_told_to_come_again() {
    let (api, _) = api_with(
        Limits {
            requests_max: 0,
            ..Limits::default()
        },
        Script::default(),
    );
    let answer = post(&api, "/orders", "{}").await;
    assert_eq!(
        answer.problem(429),
        "the host has as many requests in hand as it can serve"
    );
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn before_the_platform_has_recovered_requests_are_told_to_come_again() {
    let answer = post(&closed_api(Limits::default()), "/orders", "{}").await;
    assert_eq!(answer.problem(503), "the host is starting");
    assert_eq!(answer.header("retry-after"), "2");
}

/// What a platform that refuses with `error` is answered with.
async fn refused(error: impl Fn() -> AcceptError + Send + Sync + 'static) -> super::Answer {
    let (api, _) = api(Script {
        accept: Box::new(move |_| Err(error())),
        ..Script::default()
    });
    post(&api, "/orders", "{}").await
}

#[tokio::test]
async fn a_platform_without_room_tells_when_to_come_again() {
    let retry_after = Duration::from_millis(1_200);
    let answer = refused(move || AcceptError::Busy { retry_after }).await;
    answer.problem(429);
    assert_eq!(answer.header("retry-after"), "2");
}

#[tokio::test]
async fn the_same_id_with_another_body_is_refused() {
    let detail = refused(|| AcceptError::Conflict { id: "i".into() })
        .await
        .problem(422);
    assert!(detail.contains("`i`"), "{detail}");
}

#[tokio::test]
async fn limits_of_the_platform_are_the_callers_to_keep() {
    let over = |what, part| {
        AcceptError::Limit(OverLimit {
            topic: "order.*".into(),
            exceeded: Exceeded {
                what,
                part: Some(part),
                limit: 1,
                actual: 2,
            },
        })
    };
    let body = refused(move || over("body bytes", Part::Body)).await;
    assert_eq!(
        body.problem(413),
        "body bytes: 2 is over the limit of 1 of topic `order.*` (`body_bytes_max`)"
    );
    assert_eq!(body.json()["limit"], "body_bytes_max");
    assert_eq!(body.json()["topic"], "order.*");
    // The length of a key is no policy of a topic.
    let key = refused(move || over("key bytes", Part::Key)).await;
    assert_eq!(key.problem(400), "key bytes: 2 is over the limit of 1");
    assert_eq!(key.json().get("topic"), None);
}

#[tokio::test]
async fn a_platform_that_stops_is_unavailable() {
    let answer = refused(|| AcceptError::Stopped).await;
    answer.problem(503);
    assert_eq!(answer.header("retry-after"), "2");
}

#[tokio::test]
async fn what_only_the_operator_can_mend_is_not_told_to_callers() {
    let general = "the host could not serve this request; see its log";
    let store = refused(|| AcceptError::Store("disk sda1 is full".into())).await;
    assert_eq!(store.problem(500), general);
}

#[tokio::test]
async fn a_topic_that_went_with_a_change_of_the_routes_is_a_reason_to_come_again() {
    let answer = refused(|| AcceptError::UnknownTopic("t".into())).await;
    assert_eq!(answer.problem(503), "the routes changed meanwhile");
    assert_eq!(answer.header("retry-after"), "2");
}

/// What a gate that fails with `error` is answered with.
async fn gate_fails(error: guest::Error) -> super::Answer {
    let (api, _) = api(Script {
        admit: Box::new(move |_| Err(error.clone())),
        ..Script::default()
    });
    post(&api, "/orders", "{}").await
}

#[tokio::test]
async fn a_gate_that_is_not_in_service_is_unavailable() {
    let answer = gate_fails(guest::Error::Unavailable("order".into())).await;
    let expected = "plugin `order`, which this route needs, is not in service";
    assert_eq!(answer.problem(503), expected);
    assert_eq!(answer.header("retry-after"), "2");
}

#[tokio::test]
async fn a_gate_that_traps_shows_nothing_of_its_insides() {
    let general = "the host could not serve this request; see its log";
    let cause = "wasm trap: unreachable at secret.rs".to_owned();
    let trap = guest::Error::Failed {
        plugin: "order".into(),
        cause,
    };
    assert_eq!(gate_fails(trap).await.problem(500), general);
    let missing = guest::Error::NoExport {
        plugin: "order".into(),
        export: "gate",
    };
    assert_eq!(gate_fails(missing).await.problem(500), general);
}
