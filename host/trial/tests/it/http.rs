//! Requests and questions: what they are answered with, and what comes of them.

use wasmill_trial::Error;

use crate::support::{World, routes};

const INGRESS: &str = r#"
[[ingress]]
method = "POST"
path = "/doors/{door}"
topic = "pay"
gate = "door"

[[ingress]]
method = "PUT"
path = "/plain/{key}"
topic = "pay"
key = "path:key"
body_bytes_max = "1KiB"
"#;

const STEPS: &str = r#"
[[step]]
name = "the gate makes a message of the request"
request = { method = "post", path = "/doors/a%20b", query = { x = "y" }, body = "hello" }
expect.answer = { status = 202, key = "a b", json = {} }
expect.outcome = "ok"
expect.state."a b".last.body = "hello"

[[step]]
name = "the query answers from the state"
query = { key = "a b" }
expect.answer = { status = 200, body = "hello" }
expect.outcome = []

[[step]]
name = "a query sees its path and its key"
query = { key = "nobody", path = "/doors/nobody" }
expect.answer = { status = 200, body = "nobody" }

[[step]]
name = "a route without a gate says the key itself"
request = { method = "PUT", path = "/plain/k", headers = { Idempotency-Key = "1" }, body = "one" }
expect = { answer = { status = 202, key = "k" }, outcome = "ok", state.k.last.body = "one" }

[[step]]
name = "the same request again is answered the same, and is no message"
request = { method = "PUT", path = "/plain/k", headers = { Idempotency-Key = "1" }, body = "one" }
expect = { answer = { status = 202, key = "k" }, outcome = [] }

[[step]]
name = "the same id for something else is refused"
request = { method = "PUT", path = "/plain/k", headers = { Idempotency-Key = "1" }, body = "two" }
expect = { answer = { status = 422, detail = "another content" }, outcome = [] }
"#;

fn world(steps: &str) -> World {
    World::with_routes("door", steps, &(routes("door") + INGRESS))
}

#[test]
fn requests_become_messages_and_questions_are_answered() {
    let world = world(STEPS);
    let report = world.run();
    assert_eq!(report.differences(), 0, "{report}");
    let text = report.to_string();
    assert!(text.contains("answered 202 key a b {}\n"), "{text}");
    assert!(text.contains("answered 200 hello\n"), "{text}");
    // Each of the two messages: its call, `state.put`, and its commit. Gate and query are no places.
    let crashes = world.crash();
    assert!(crashes.are_harmless(), "{crashes}");
    assert_eq!(crashes.points, 6, "{crashes}");
}

#[test]
fn what_a_gate_refuses_and_what_fails_is_told() {
    // The gate goes by the path that it sees.
    let gates = "[[ingress]]\nmethod = \"POST\"\npath = \"/refuse\"\ntopic = \"pay\"\ngate = \"door\"\n\
                 [[ingress]]\nmethod = \"POST\"\npath = \"/trap\"\ntopic = \"pay\"\ngate = \"door\"\n";
    let steps = r#"
[[step]]
request = { method = "POST", path = "/refuse" }
expect = { outcome = [], answer = { status = 422, field = "field", detail = "not today" } }
[[step]]
request = { method = "POST", path = "/refuse" }
expect.answer.json = { type = "about:blank", title = "refused", status = 422, detail = "not today", field = "field" }
[[step]]
request = { method = "POST", path = "/trap" }
expect = { outcome = [], answer = { status = 500, detail = "asked to" } }
"#;
    let report = World::with_routes("door", steps, &(routes("door") + gates)).run();
    assert_eq!(report.differences(), 0, "{report}");
}

#[test]
fn an_answer_that_is_not_as_expected_is_told_with_what_is() {
    let large = "x".repeat(1_025);
    let steps = format!(
        "[[step]]\nrequest = {{ method = \"POST\", path = \"/doors/k\", body = \"a\" }}\n\
         expect.answer = {{ status = 200, key = \"K\", field = \"f\", detail = \"d\", json = {{ a = 1 }} }}\n\
         [[step]]\nrequest = {{ method = \"PUT\", path = \"/plain/k\", body = \"{large}\" }}\n\
         expect.answer.status = 413\n"
    );
    let text = world(&steps).run().to_string();
    for said in [
        "DIFFERS answer: status\n    expected 200\n    actual   202 key k {}",
        "DIFFERS answer: key\n    expected K\n    actual   k",
        "DIFFERS answer: field\n    expected f\n    actual   (none)",
        "DIFFERS answer: detail\n    expected ...d...\n    actual   (none)",
        "DIFFERS answer: body\n    expected {\"a\":1}\n    actual   {}",
        "2 steps, 1 messages handled: 1 not as expected",
    ] {
        assert!(text.contains(said), "no {said:?} in\n{text}");
    }
}

#[test]
fn a_request_without_a_route_is_refused_with_its_line() {
    let steps = "[[step]]\nrequest = { method = \"DELETE\", path = \"/doors/k\" }\n";
    let Err(Error::NoRoute { line, why }) = world(steps).trial.run() else {
        panic!("it went somewhere")
    };
    assert_eq!(line, 2);
    assert!(
        why.contains("no ingress route of the routes has DELETE /doors/k"),
        "{why}"
    );
}
