//! The OpenAPI document says what the data API does, and nothing else.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use super::{Answer, Script, Scripted, api, request, send_to};
use crate::{Access, Api};

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

fn document() -> Value {
    serde_json::from_str(&Api::<Scripted>::openapi()).expect("JSON")
}

/// Every path, method and operation.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    paths.flat_map(|(path, item)| {
        let of = item.as_object().expect("operations").iter();
        of.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// A path with this for what it leaves open.
fn filled(path: &str, with: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => with,
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn ask(api: &Api<Scripted>, method: &str, path: &str) -> Answer {
    let method = method.to_uppercase();
    let mut request = request(&method, path, Body::empty());
    let host = HeaderValue::from_static("localhost");
    request.headers_mut().insert(header::HOST, host);
    send_to(api.data_service(Access::Local).router, request).await
}

#[tokio::test]
async fn every_route_is_in_the_document_and_nothing_else_is() {
    let (document, (api, _)) = (document(), api(Script::default()));
    for (path, item) in document["paths"].as_object().expect("paths") {
        let item = item.as_object().expect("operations");
        for method in METHODS {
            let path = filled(path, "0.0.s");
            let answer = ask(&api, method, &path).await;
            let is_served = answer.status != StatusCode::METHOD_NOT_ALLOWED
                && !String::from_utf8_lossy(&answer.body).contains("no route has the path");
            assert_eq!(
                is_served,
                item.contains_key(method),
                "{method} {path}: {}",
                answer.status
            );
        }
    }
    let served = ask(&api, "get", "/v1/openapi.json").await;
    assert_eq!(served.body, Api::<Scripted>::openapi());
}

#[tokio::test]
async fn an_answer_has_a_status_of_the_document() {
    let (document, (api, _)) = (document(), api(Script::default()));
    for (path, method, operation) in operations(&document) {
        for name in ["0.0.s", "s", "none"] {
            let path = filled(path, name);
            let answer = ask(&api, method, &path).await;
            let described = &operation["responses"][answer.status.as_str()];
            assert!(described.is_object(), "{method} {path}: {}", answer.status);
            let kind = answer.header("content-type");
            let is_said = kind.is_empty() || described["content"][kind].is_object();
            assert!(is_said, "{method} {path}: {kind}");
        }
    }
}

#[test]
fn the_document_is_well_formed() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let subject = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str()), "{subject}");
        assert!(operation["summary"].is_string(), "{subject}");
        let tag = &operation["tags"][0];
        let mut tags = document["tags"].as_array().expect("tags").iter();
        assert!(tags.any(|known| known["name"] == *tag), "{subject}: {tag}");
        check_parameters(&subject, path, operation);
        let answers = operation["responses"].as_object().expect("answers");
        assert!(answers.keys().any(|it| it.starts_with('2')), "{subject}");
        check_problems(&subject, answers);
    }
    check_references(&document, &document);
}

fn check_parameters(subject: &str, path: &str, operation: &Value) {
    let none = Vec::new();
    let parameters = operation["parameters"].as_array().unwrap_or(&none);
    let open: BTreeSet<_> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .collect();
    let of_path = parameters.iter().filter(|it| it["in"] == "path");
    let said: BTreeSet<_> = of_path.filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(open, said, "{subject}");
    for parameter in parameters {
        let is_described = parameter["description"].is_string();
        assert!(is_described, "{subject}: {}", parameter["name"]);
        let is_open = parameter["in"] == "path";
        assert!(!is_open || parameter["required"] == true, "{subject}");
    }
}

fn check_problems(subject: &str, answers: &Map<String, Value>) {
    for status in ["400", "401", "403", "429", "500", "503"] {
        assert!(answers.contains_key(status), "{subject}: {status}");
    }
    for (status, answer) in answers.iter().filter(|(it, _)| !it.starts_with('2')) {
        let kinds = answer["content"].as_object().expect("content");
        let kinds: Vec<_> = kinds.keys().collect();
        assert_eq!(kinds, ["application/problem+json"], "{subject}: {status}");
    }
}

/// Every reference leads to something.
fn check_references(document: &Value, at: &Value) {
    match at {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                let pointer = reference.strip_prefix('#').expect("within the document");
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            object
                .values()
                .for_each(|it| check_references(document, it));
        }
        Value::Array(array) => array.iter().for_each(|it| check_references(document, it)),
        _ => {}
    }
}

#[test]
fn of_plugins_only_what_is_written_down_can_fail_for_want_of_room() {
    let document = document();
    let of_plugins = operations(&document).filter(|(path, ..)| path.starts_with("/v1/plugins"));
    let writing = of_plugins.filter(|(.., operation)| !operation["responses"]["507"].is_null());
    let writing: BTreeSet<_> = writing
        .filter_map(|(.., operation)| operation["operationId"].as_str())
        .collect();
    let expected = [
        "approve_plugin",
        "begin_canary",
        "begin_shadow",
        "disable_plugin",
        "enable_plugin",
        "pin_plugin",
        "promote_canary",
        "roll_back_plugin",
        "unpin_plugin",
    ];
    assert_eq!(writing, BTreeSet::from(expected));
}
