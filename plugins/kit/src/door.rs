//! HTTP at the door: requests read strictly and refused by field, and the answers to both.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::{encode, read};
use crate::{Host, Request, derive_id};

/// Longest id of an order, a SKU, a user: they become keys and names of state.
const ID_BYTES_MAX: usize = 64;
/// Longest `Idempotency-Key`.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// A request let in, as a keyed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The message's key.
    pub key: String,
    /// The same id again starts nothing; none if every request is a new one.
    pub dedup_id: Option<String>,
    /// The message's body.
    pub body: Vec<u8>,
    /// The body of the answer.
    pub answer: Vec<u8>,
}

impl Accepted {
    /// Lets `body` in under `key`; every such request is a new one.
    #[must_use]
    pub fn new(key: &str, body: &impl Serialize, answer: &impl Serialize) -> Self {
        Self {
            key: key.to_owned(),
            dedup_id: None,
            body: encode(body),
            answer: encode(answer),
        }
    }

    /// Starts nothing if this id was let in before under the same key.
    #[must_use]
    pub fn once(mut self, dedup_id: impl Into<String>) -> Self {
        self.dedup_id = Some(dedup_id.into());
        self
    }
}

/// A request refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 400 to 499.
    pub status: u16,
    /// The kind of problem.
    pub title: String,
    /// What is wrong, and the remedy.
    pub detail: String,
    /// The offending field.
    pub field: Option<String>,
}

impl Problem {
    /// A field with an impossible value.
    pub fn field(field: &str, detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            title: "invalid request".to_owned(),
            detail: detail.into(),
            field: Some(field.to_owned()),
        }
    }

    /// Refuses unless `valid`.
    ///
    /// # Errors
    /// This problem.
    pub fn unless(valid: bool, field: &str, detail: &str) -> Result<(), Self> {
        if valid {
            Ok(())
        } else {
            Err(Self::field(field, detail))
        }
    }

    /// Refuses an id that is not of the form that the shop takes.
    ///
    /// # Errors
    /// A problem that names `field`.
    pub fn unless_id(id: &str, field: &str) -> Result<(), Self> {
        let known = |c: u8| c.is_ascii_alphanumeric() || b"-_.:".contains(&c);
        let valid = (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(known);
        Self::unless(
            valid,
            field,
            "an id has 1 to 64 letters, digits or any of `-_.:`",
        )
    }

    /// A request that does not prove who sent it.
    #[must_use]
    pub fn unauthorized(detail: &str) -> Self {
        Self {
            status: 401,
            title: "unauthorized".to_owned(),
            detail: detail.to_owned(),
            field: None,
        }
    }

    /// A route that the operator gave to a plugin which does not know it.
    #[must_use]
    pub fn no_such_door(request: &Request) -> Self {
        let Request { method, path, .. } = request;
        Self {
            status: 404,
            title: "not found".to_owned(),
            detail: format!("this plugin takes no `{method} {path}`: check [[ingress]]"),
            field: None,
        }
    }
}

/// The answer to a GET.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the flow has reached its outcome.
    pub settled: bool,
}

impl Response {
    /// What is asked for.
    #[must_use]
    pub fn ok(body: &impl Serialize, settled: bool) -> Self {
        Self {
            status: 200,
            content_type: "application/json",
            body: encode(body),
            settled,
        }
    }

    /// `view` of what the key's state holds under `name`, or 404 if it holds nothing.
    pub fn of_state<H: Host, S: DeserializeOwned>(
        host: &mut H,
        name: &str,
        what: &str,
        view: impl FnOnce(S) -> Self,
    ) -> Self {
        match host.load(name) {
            Ok(Some(state)) => view(state),
            Ok(None) => Self::problem(404, "not found", &format!("there is no such {what} (yet)")),
            Err(_) => Self::unavailable(),
        }
    }

    /// A request that asks for what cannot be.
    #[must_use]
    pub fn refused(problem: &Problem) -> Self {
        let Problem {
            status,
            title,
            detail,
            field,
        } = problem;
        let mut body = problem_details(*status, title, detail);
        if let Some(field) = field {
            body["field"] = field.as_str().into();
        }
        Self::of_problem(*status, &body)
    }

    /// The state could not be read.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::problem(503, "unavailable", "the state cannot be read, ask again")
    }

    fn problem(status: u16, title: &str, detail: &str) -> Self {
        Self::of_problem(status, &problem_details(status, title, detail))
    }

    fn of_problem(status: u16, body: &serde_json::Value) -> Self {
        Self {
            status,
            content_type: "application/problem+json",
            body: encode(body),
            settled: false,
        }
    }
}

fn problem_details(status: u16, title: &str, detail: &str) -> serde_json::Value {
    serde_json::json!({ "status": status, "title": title, "detail": detail })
}

/// Reading a request at the door.
pub trait Door {
    /// The path's segments, to tell one route from another.
    fn segments(&self) -> Vec<&str>;
    /// A parameter of the route's path that is an id.
    ///
    /// # Errors
    /// A problem that names the parameter.
    fn id_param(&self, name: &str) -> Result<&str, Problem>;
    /// A header by its lower-case name.
    fn header(&self, name: &str) -> Option<&str>;
    /// The body; an empty one counts as `{}`.
    ///
    /// # Errors
    /// A problem that names the field which is unknown, missing or of the wrong type.
    fn json<T: DeserializeOwned>(&self) -> Result<T, Problem>;
    /// An id that the client's `Idempotency-Key` decides, within `kind` and `scope`.
    ///
    /// # Errors
    /// A problem with the header.
    fn idempotent_id(&self, kind: &str, scope: &str) -> Result<Option<String>, Problem>;
}

impl Door for Request {
    fn segments(&self) -> Vec<&str> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect()
    }

    fn id_param(&self, name: &str) -> Result<&str, Problem> {
        let found = self.params.iter().find(|(candidate, _)| candidate == name);
        let (_, value) = found.ok_or_else(|| {
            Problem::field(
                name,
                format!("the route's path has no `{{{name}}}`: check [[ingress]]"),
            )
        })?;
        Problem::unless_id(value, name)?;
        Ok(value)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(candidate, _)| candidate == name);
        found.map(|(_, value)| value.as_str())
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body = if self.body.is_empty() {
            b"{}"
        } else {
            self.body.as_slice()
        };
        read(body).map_err(|(path, error)| unreadable(&path, &error))
    }

    fn idempotent_id(&self, kind: &str, scope: &str) -> Result<Option<String>, Problem> {
        let Some(key) = self.header("idempotency-key") else {
            return Ok(None);
        };
        let valid = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len());
        Problem::unless(valid, "Idempotency-Key", "a key has 1 to 255 bytes")?;
        Ok(Some(derive_id(kind, &[scope, key])))
    }
}

/// The problem with a body, and the field it is about.
fn unreadable(path: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let detail = text.split(" at line ").next().unwrap_or(&text).to_owned();
    // serde knows a missing field by name only in its text, and the path is the parent's.
    let missing = detail
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    let field = match (path, missing) {
        (".", None) => None,
        (".", Some(name)) => Some(name.to_owned()),
        (parent, Some(name)) => Some(format!("{parent}.{name}")),
        (path, None) => Some(path.to_owned()),
    };
    Problem {
        status: 400,
        title: "invalid request".to_owned(),
        detail,
        field,
    }
}
