//! What operators and their machines ask.

use axum::body::Body;

use super::{Script, api, closed_api, get, post, request, send};
use crate::Limits;

#[tokio::test]
async fn a_host_that_starts_is_healthy_but_not_ready() {
    let api = closed_api(Limits::default());
    assert_eq!(get(&api, "/healthz").await.status, 200);
    let answer = get(&api, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["reasons"][0], "the host is starting");
}

#[tokio::test]
async fn a_host_that_lacks_a_plugin_is_ready_and_says_so() {
    let (api, _) = api(Script::default());
    let answer = get(&api, "/readyz").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["ready"], true);
    assert_eq!(answer.json()["plugins_missing"][0], "stock");
}

#[tokio::test]
async fn a_host_that_stops_is_not_ready() {
    let (api, _) = api(Script::default());
    api.stop();
    let answer = get(&api, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["reasons"][0], "the host is stopping");
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_not_by_path() {
    let (api, _) = api(Script::default());
    get(&api, "/orders/1").await;
    get(&api, "/orders/2").await;
    get(&api, "/invented/by/clients").await;
    send(&api, request("BREW", "/pot", Body::empty())).await;
    post(&api, "/orders", "x".repeat(101)).await;
    let metrics = get(&api, "/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let text = String::from_utf8(metrics.body.to_vec()).expect("text");
    let lines = [
        "http_requests_total{method=\"GET\",route=\"/orders/{id}\",status=\"200\"} 2",
        "http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"} 1",
        "http_requests_total{method=\"(other)\",route=\"(none)\",status=\"404\"} 1",
        "http_requests_total{method=\"POST\",route=\"/orders\",status=\"413\"} 1",
        "http_request_duration_seconds_count{method=\"GET\",route=\"/orders/{id}\"} 2",
        "http_requests_in_flight 0",
    ];
    for line in lines {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("invented"));
}
