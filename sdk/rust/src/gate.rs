//! HTTP requests at a gate: read strictly, refused by field, or let in as messages.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::gate::{Accepted, Problem};
use crate::bindings::wasmill::plugin::types::Request;
use crate::json::{self, Unreadable};
use crate::message::value_of;

/// Longest `Idempotency-Key`.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

impl Request {
    /// A request without parameters and headers, for tests.
    pub fn new(
        method: impl Into<String>,
        path: impl Into<String>,
        body: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            method: method.into(),
            path: path.into(),
            params: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// The path's segments, to tell one route from another.
    ///
    /// ```
    /// # use wasmill_sdk::{Accepted, Problem, Request};
    /// # fn put(_: &Request, id: &str) -> Result<Accepted, Problem> { Accepted::json(id, id, id) }
    /// fn admit(request: &Request) -> Result<Accepted, Problem> {
    ///     match (request.method.as_str(), request.segments().as_slice()) {
    ///         ("PUT", ["coupons", id]) => put(request, id),
    ///         _ => Err(Problem::no_such_route(request)),
    ///     }
    /// }
    /// # assert_eq!(admit(&Request::new("GET", "/x", "")).unwrap_err().status, 404);
    /// # assert_eq!(admit(&Request::new("PUT", "/coupons/c", "")).unwrap().key.as_deref(), Some("c"));
    /// ```
    #[must_use]
    pub fn segments(&self) -> Vec<&str> {
        let segments = self.path.split('/');
        segments.filter(|segment| !segment.is_empty()).collect()
    }

    /// The value of the route's `{name}`, percent-decoded.
    ///
    /// # Errors
    /// A problem that names the parameter, if the route's path has none of that name.
    pub fn param(&self, name: &str) -> Result<&str, Problem> {
        value_of(&self.params, name).ok_or_else(|| {
            let detail = format!("the route's path has no `{{{name}}}`: check the routes");
            Problem::field(name, detail)
        })
    }

    /// The first value of the query string's `name`.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        value_of(&self.query, name)
    }

    /// The value of a header, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        value_of(&self.headers, name)
    }

    /// The body as JSON; an empty one counts as `{}`.
    ///
    /// # Errors
    /// A problem that names the field which is unknown, missing or of the wrong type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let body = match self.body.as_slice() {
            [] => b"{}",
            body => body,
        };
        Ok(json::read(body)?)
    }

    /// The client's `Idempotency-Key`, which goes well with [`Accepted::once`].
    ///
    /// # Errors
    /// A problem if it has not 1 to 255 bytes.
    pub fn idempotency_key(&self) -> Result<Option<&str>, Problem> {
        let Some(key) = self.header("idempotency-key") else {
            return Ok(None);
        };
        let valid = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len());
        Problem::unless(valid, "Idempotency-Key", "a key has 1 to 255 bytes")?;
        Ok(Some(key))
    }

    /// An id that the client's `Idempotency-Key` decides, within `kind` and `scope`: the same
    /// request gets the same one. None if it has no such header.
    ///
    /// # Errors
    /// As [`Request::idempotency_key`].
    #[cfg(feature = "ids")]
    pub fn idempotent_id(&self, kind: &str, scope: &str) -> Result<Option<String>, Problem> {
        let key = self.idempotency_key()?;
        Ok(key.map(|key| crate::derive_id(kind, &[scope, key])))
    }
}

impl Accepted {
    /// Lets `body` in under `key`, and answers `answer`, both as JSON. Every such request is a new
    /// message.
    ///
    /// # Errors
    /// A problem if one of them has no representation in JSON.
    pub fn json(
        key: impl Into<String>,
        body: &(impl Serialize + ?Sized),
        answer: &(impl Serialize + ?Sized),
    ) -> Result<Self, Problem> {
        Ok(Self {
            key: Some(key.into()),
            dedup_id: None,
            tag: None,
            headers: Vec::new(),
            body: encoded(body)?,
            answer: encoded(answer)?,
        })
    }

    /// Starts nothing if this id was let in before under the same key, and answers as then.
    #[must_use]
    pub fn once(mut self, dedup_id: impl Into<String>) -> Self {
        self.dedup_id = Some(dedup_id.into());
        self
    }
}

fn encoded(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem {
        status: 422,
        title: "unprocessable request".to_owned(),
        detail: format!("what it becomes has no representation in JSON: {error}"),
        field: None,
    })
}

impl Problem {
    /// A field that is missing or has an impossible value.
    pub fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            status: 400,
            title: "invalid request".to_owned(),
            detail: detail.into(),
            field: Some(field.into()),
        }
    }

    /// Refuses unless `valid`.
    ///
    /// # Errors
    /// The problem with the field.
    pub fn unless(valid: bool, field: &str, detail: &str) -> Result<(), Self> {
        if valid {
            Ok(())
        } else {
            Err(Self::field(field, detail))
        }
    }

    /// A request that does not prove who sent it.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self {
            status: 401,
            title: "unauthorized".to_owned(),
            detail: detail.into(),
            field: None,
        }
    }

    /// A route that the operator gave to a plugin which does not know it.
    #[must_use]
    pub fn no_such_route(request: &Request) -> Self {
        let Request { method, path, .. } = request;
        Self {
            status: 404,
            title: "not found".to_owned(),
            detail: format!("this plugin takes no `{method} {path}`: check [[ingress]]"),
            field: None,
        }
    }
}

impl From<Unreadable> for Problem {
    fn from(Unreadable { field, detail }: Unreadable) -> Self {
        Self {
            status: 400,
            title: "invalid request".to_owned(),
            detail,
            field,
        }
    }
}
