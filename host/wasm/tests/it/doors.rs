//! Gates and queries: what they answer, and that they change nothing.

use bytes::Bytes;
use wasmill_model::http::{Accepted, Request};
use wasmill_model::routes::PluginSettings;
use wasmill_port::Guests;
use wasmill_port::guest::Error;

use crate::support::{Bench, PLUGIN};

fn request(path: &str) -> Request {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Request {
        method: "POST".to_owned(),
        path: path.to_owned(),
        params: vec![pair("id", "7")],
        query: vec![pair("q", "1")],
        headers: vec![pair("host", "here")],
        body: Bytes::from_static(b"body"),
    }
}

async fn bench() -> Bench {
    Bench::with("door", PluginSettings::default()).await
}

#[tokio::test]
async fn a_gate_turns_a_request_into_a_message() {
    let accepted = bench()
        .await
        .registry
        .admit(&PLUGIN.into(), request("/"))
        .await
        .unwrap();
    let expected = Accepted {
        key: Some("7".into()),
        dedup_id: None,
        tag: Some("POST".into()),
        headers: vec![("q".into(), "1".into())],
        body: Bytes::from_static(b"body"),
        answer: Bytes::from_static(b"{}"),
    };
    assert_eq!(accepted, Ok(expected));
}

#[tokio::test]
async fn a_gate_refuses_with_a_problem_and_only_with_a_status_that_says_so() {
    let bench = bench().await;
    let problem = bench
        .registry
        .admit(&PLUGIN.into(), request("/refuse"))
        .await
        .unwrap();
    let problem = problem.unwrap_err();
    assert_eq!(
        (problem.status, problem.detail.as_str()),
        (422, "not today")
    );
    assert_eq!(problem.field.as_deref(), Some("field"));
    let error = bench
        .registry
        .admit(&PLUGIN.into(), request("/strange"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("status 700"), "{error}");
}

#[tokio::test]
async fn a_gate_that_traps_fails_alone() {
    let bench = bench().await;
    let error = bench
        .registry
        .admit(&PLUGIN.into(), request("/trap"))
        .await
        .unwrap_err();
    assert!(matches!(&error, Error::Failed { .. }), "{error}");
    assert!(error.to_string().contains("asked to"), "{error}");
    assert!(
        bench
            .registry
            .admit(&PLUGIN.into(), request("/"))
            .await
            .unwrap()
            .is_ok()
    );
}

#[tokio::test]
async fn a_gate_has_no_state() {
    let problem = bench()
        .await
        .registry
        .admit(&PLUGIN.into(), request("/write"))
        .await
        .unwrap();
    let detail = problem.unwrap_err().detail;
    assert!(
        detail.contains("`state.put` is refused in `gate.admit`"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_query_reads_the_keys_state() {
    let bench = bench().await;
    let state = bench.state(&[("last", "what was written")]);
    let response = bench.registry.answer(state, request("/")).await.unwrap();
    assert_eq!((response.status, response.settled), (200, true));
    assert_eq!(&response.body[..], b"what was written");
    let response = bench
        .registry
        .answer(bench.state(&[]), request("/"))
        .await
        .unwrap();
    assert_eq!(&response.body[..], b"key", "the key is handed over");
}

#[tokio::test]
async fn a_query_only_reads_and_sees_no_entries_of_the_hosts_own() {
    let bench = bench().await;
    for (path, words) in [
        ("/write", "`state.put` is refused in `query.answer`"),
        ("/send", "`queue.send` is refused in `query.answer`"),
        ("/hidden", "no NUL"),
        ("/hidden", "Ok([(\"last\", [])])"),
    ] {
        let state = bench.state(&[("\0tname", "a timer"), ("last", "")]);
        let response = bench.registry.answer(state, request(path)).await.unwrap();
        let body = String::from_utf8_lossy(&response.body);
        assert!(body.contains(words), "no {words:?} in: {body}");
    }
}

#[tokio::test]
async fn what_a_plugin_does_not_export_cannot_be_asked() {
    let bench = Bench::with("counter", PluginSettings::default()).await;
    let error = bench
        .registry
        .admit(&PLUGIN.into(), request("/"))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        Error::NoExport {
            plugin: PLUGIN.into(),
            export: "gate"
        }
    );
    let error = bench
        .registry
        .answer(bench.state(&[]), request("/"))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        Error::NoExport {
            plugin: PLUGIN.into(),
            export: "query"
        }
    );
    let error = bench
        .registry
        .admit(&"nobody".into(), request("/"))
        .await
        .unwrap_err();
    assert_eq!(error, Error::Unavailable("nobody".into()));
}
