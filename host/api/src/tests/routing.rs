//! Which route serves a request, and what becomes of those that none serves.

use std::sync::Arc;

use axum::body::Body;
use wasmill_model::routes::Ingress;

use super::{Script, api, get, post, request, routes, send};

#[tokio::test]
async fn a_path_without_a_route_is_not_found() {
    let (api, _) = api(Script::default());
    assert_eq!(
        get(&api, "/nothing").await.problem(404),
        "no route has the path `/nothing`"
    );
}

#[tokio::test]
async fn another_method_is_told_which_ones_there_are() {
    let (api, _) = api(Script::default());
    let answer = send(&api, request("DELETE", "/orders/1", Body::empty())).await;
    assert_eq!(answer.problem(405), "this path knows GET, HEAD, OPTIONS");
    assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    let answer = get(&api, "/orders").await;
    answer.problem(405);
    assert_eq!(answer.header("allow"), "OPTIONS, POST");
}

#[tokio::test]
async fn options_tells_the_methods() {
    let (api, _) = api(Script::default());
    let answer = send(&api, request("OPTIONS", "/orders", Body::empty())).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("allow")),
        (204, "OPTIONS, POST")
    );
    send(&api, request("OPTIONS", "/nothing", Body::empty()))
        .await
        .problem(404);
}

#[tokio::test]
async fn new_routes_apply_to_the_next_request_without_a_restart() {
    let (api, _) = api(Script::default());
    let mut next = routes();
    next.ingress = vec![Arc::new(Ingress {
        path: "/carts".into(),
        ..super::orders()
    })];
    api.set_routes(&next).expect("no conflict");
    assert_eq!(post(&api, "/carts", "{}").await.status, 202);
    post(&api, "/orders", "{}").await.problem(404);
}

#[tokio::test]
async fn routes_in_conflict_are_refused_and_the_old_ones_stay() {
    let (api, _) = api(Script::default());
    let mut next = routes();
    next.ingress = vec![Arc::new(super::orders()), Arc::new(super::orders())];
    let error = api.set_routes(&next).expect_err("a conflict").to_string();
    assert!(error.starts_with("POST /orders: ") && error.ends_with("; change one of the paths"));
    assert_eq!(
        send(&api, request("PUT", "/stock/x", "{}")).await.status,
        202
    );
}
