//! Stories: what an answer that is not whole still says.

use axum::http::{HeaderValue, header};
use serde_json::json;
use wasmill_service::Extent;
use wasmill_service::story::{Pending, Story};

use super::*;
use crate::Access;

/// What is answered about a key of which this is told.
async fn traced(extent: Extent, left_out: bool) -> Value {
    let pending = Pending {
        subscription: "s".into(),
        key: Some("k".into()),
        attempts: 2,
    };
    let story = Story {
        message: (*outcome("a", "body")).clone(),
        body_bytes: 4,
        events: Vec::new(),
        pending: vec![pending],
    };
    let told = Told {
        stories: vec![(0, story)],
        extent,
        left_out,
    };
    let (api, _) = api(Script {
        told,
        ..Script::default()
    });
    let mut request = request("GET", "/v1/traces?key=k", Body::empty());
    let host = HeaderValue::from_static("localhost");
    request.headers_mut().insert(header::HOST, host);
    let answer = send_to(api.data_service(Access::Local).router, request).await;
    assert_eq!(answer.status, 200);
    answer.json()
}

fn pending() -> Value {
    json!([{
        "subscription": "s", "key": "k", "attempts": 2, "plugin": null, "in_service": false,
    }])
}

#[tokio::test]
async fn flows_that_were_left_out_do_not_hide_who_is_pending_in_those_that_are_told() {
    for left_out in [false, true] {
        let answer = traced(Extent::default(), left_out).await;
        assert_eq!(answer["log"]["cut_short"], left_out);
        assert_eq!(answer["messages"][0]["pending"], pending());
    }
}

#[tokio::test]
async fn of_a_log_that_was_not_read_whole_nobody_can_say_who_is_pending() {
    let cut_short = Extent {
        cut_short: true,
        ..Extent::default()
    };
    let damaged = Extent {
        damaged: 1,
        ..Extent::default()
    };
    for extent in [cut_short, damaged] {
        let is_cut_short = extent.cut_short;
        let answer = traced(extent, false).await;
        assert_eq!(answer["log"]["cut_short"], is_cut_short);
        assert_eq!(answer["messages"][0]["pending"], Value::Null);
    }
}
