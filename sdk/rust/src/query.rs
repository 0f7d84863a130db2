//! Answers from a key's state, over HTTP.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Host;
use crate::bindings::gate::Problem;
use crate::bindings::query::Response;

impl Response {
    /// What is asked for, as JSON, and whether the flow behind it has reached its outcome: who
    /// waits for that is answered once it has.
    #[must_use]
    pub fn ok(body: &(impl Serialize + ?Sized), settled: bool) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self::new(200, "application/json", body, settled),
            Err(error) => {
                let detail = format!("the answer has no representation in JSON: {error}");
                Self::problem(500, "internal error", &detail)
            }
        }
    }

    /// `view` of what the key's state holds under `name`; 404 if it holds nothing, which says that
    /// there is no such `what`, and 503 if it cannot be read.
    ///
    /// ```
    /// # use wasmill_sdk::{Host, Request, Response};
    /// fn answer(host: &mut impl Host, _key: &str, _request: &Request) -> Response {
    ///     Response::of_state(host, "points", "user", |points: u64| Response::ok(&points, true))
    /// }
    /// # let mut host = wasmill_sdk::testing::TestHost::new();
    /// # let request = Request::new("GET", "/points/ann", "");
    /// # assert_eq!(host.answer(answer, "ann", &request).status, 404);
    /// ```
    pub fn of_state<H: Host, S: DeserializeOwned>(
        host: &mut H,
        name: &str,
        what: &str,
        view: impl FnOnce(S) -> Self,
    ) -> Self {
        match host.load(name) {
            Ok(Some(state)) => view(state),
            Ok(None) => Self::not_found(&format!("there is no such {what} (yet)")),
            Err(_) => Self::unavailable(),
        }
    }

    /// There is nothing to tell of.
    #[must_use]
    pub fn not_found(detail: &str) -> Self {
        Self::problem(404, "not found", detail)
    }

    /// The state could not be read.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::problem(503, "unavailable", "the state cannot be read, ask again")
    }

    fn problem(status: u16, title: &str, detail: &str) -> Self {
        Self::of_details(status, &details(status, title, detail))
    }

    fn of_details(status: u16, details: &Value) -> Self {
        let body = details.to_string().into_bytes();
        Self::new(status, "application/problem+json", body, false)
    }

    fn new(status: u16, content_type: &str, body: Vec<u8>, settled: bool) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body,
            settled,
        }
    }
}

impl From<Problem> for Response {
    /// A request that asks for what cannot be.
    fn from(problem: Problem) -> Self {
        let Problem {
            status,
            title,
            detail,
            field,
        } = problem;
        let mut details = details(status, &title, &detail);
        if let (Some(field), Some(members)) = (field, details.as_object_mut()) {
            members.insert("field".to_owned(), field.into());
        }
        Self::of_details(status, &details)
    }
}

/// As RFC 9457 has it.
fn details(status: u16, title: &str, detail: &str) -> Value {
    json!({ "status": status, "title": title, "detail": detail })
}
