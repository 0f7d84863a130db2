//! Requests answered from state.

use axum::body::Body;
use wasmill_model::http::Response;
use wasmill_port::guest;
use wasmill_service::QueryError;

use super::{Script, api, get, request, response, send};

#[tokio::test]
async fn a_query_is_answered_with_the_plugins_status_headers_and_body() {
    let (api, _) = api(Script {
        query: Box::new(|key, seen| {
            assert_eq!((&**key, seen.method.as_str()), ("a b", "GET"));
            let headers = [
                ("Content-Type", "text/plain"),
                ("etag", "x"),
                ("content-length", "999"),
                ("bad name", "x"),
                ("bad-value", "a\nb"),
            ];
            let headers = headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec();
            Ok(Response {
                headers,
                ..response(404, "none", false)
            })
        }),
        ..Script::default()
    });
    let answer = get(&api, "/orders/a%20b").await;
    assert_eq!((answer.status.as_u16(), &*answer.body), (404, &b"none"[..]));
    assert_eq!(
        (answer.header("content-type"), answer.header("etag")),
        ("text/plain", "x")
    );
    assert_eq!(
        (answer.header("content-length"), answer.headers.len()),
        ("4", 3)
    );
}

#[tokio::test]
async fn an_answer_without_a_content_type_is_json() {
    let (api, _) = api(Script::default());
    assert_eq!(
        get(&api, "/orders/1").await.header("content-type"),
        "application/json"
    );
}

#[tokio::test]
async fn a_key_may_come_from_the_query_string() {
    let (api, _) = api(Script {
        query: Box::new(|key, seen| {
            assert_eq!(&**key, "x y");
            assert_eq!(seen.query.len(), 2);
            Ok(response(200, "{}", false))
        }),
        ..Script::default()
    });
    assert_eq!(get(&api, "/quote?sku=x+y&quantity=2").await.status, 200);
}

#[tokio::test]
async fn a_missing_query_parameter_is_named() {
    let (api, _) = api(Script::default());
    let answer = get(&api, "/quote?quantity=2").await;
    assert_eq!(answer.problem(400), "the query parameter `sku` is missing");
    assert_eq!(answer.json()["field"], "sku");
}

#[tokio::test]
async fn an_empty_or_too_long_key_is_refused() {
    let (api, _) = api(Script::default());
    get(&api, "/quote?sku=").await.problem(400);
    get(&api, &format!("/orders/{}", "x".repeat(257)))
        .await
        .problem(400);
}

#[tokio::test]
async fn head_is_asked_as_get() {
    let (api, _) = api(Script {
        query: Box::new(|_, seen| {
            assert_eq!(seen.method, "GET");
            Ok(response(200, "{}", false))
        }),
        ..Script::default()
    });
    assert_eq!(
        send(&api, request("HEAD", "/orders/1", Body::empty()))
            .await
            .status,
        200
    );
}

/// What a query that fails with `error` is answered with.
async fn fails(error: impl Fn() -> QueryError + Send + Sync + 'static) -> super::Answer {
    let (api, _) = api(Script {
        query: Box::new(move |_, _| Err(error())),
        ..Script::default()
    });
    get(&api, "/orders/1").await
}

#[tokio::test]
async fn queries_that_do_not_answer_are_problems() {
    let unavailable = fails(|| guest::Error::Unavailable("order".into()).into()).await;
    unavailable.problem(503);
    assert_eq!(unavailable.header("retry-after"), "2");
    let trap = || {
        guest::Error::Failed {
            plugin: "order".into(),
            cause: "secret".into(),
        }
        .into()
    };
    let detail = fails(trap).await.problem(500);
    assert!(!detail.contains("secret"));
    assert_eq!(
        fails(|| QueryError::Stopped).await.problem(503),
        "the host is stopping"
    );
}

#[tokio::test]
async fn a_status_that_is_none_is_the_hosts_error() {
    for status in [0, 100, 199, 1000] {
        let (api, _) = api(Script {
            query: Box::new(move |_, _| Ok(response(status, "{}", false))),
            ..Script::default()
        });
        get(&api, "/orders/1").await.problem(500);
    }
}

#[tokio::test]
async fn a_query_string_that_is_no_utf_8_is_refused_by_its_parameter() {
    let (api, script) = api(Script::default());
    for (path, name) in [
        ("/orders/k?a=1&k=%ff", "k"),
        ("/orders/k?a=1&%ff=k", "%ff"),
        ("/orders/k?a=%e2%82", "a"),
    ] {
        let answer = get(&api, path).await;
        let detail = answer.problem(400);
        assert_eq!(detail, format!("the query parameter `{name}` is not UTF-8"));
        assert_eq!(answer.json()["field"], name, "{path}");
    }
    let answer = send(&api, request("POST", "/orders?k=%ff", "{}")).await;
    answer.problem(400);
    assert!(script.incoming.lock().expect("unpoisoned").is_empty());
}

#[test]
fn a_query_string_is_read_as_forms_are() {
    let pairs = crate::request::query_pairs(Some("a=b+c%20d&&e&f==%e2%82%ac")).expect("UTF-8");
    let expected = [("a", "b c d"), ("e", ""), ("f", "=€")];
    assert_eq!(pairs, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
}
