//! What requests and answers of the data API have in common.

use std::error::Error as _;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{Request, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmill_model::Millis;

use crate::api::State;
use crate::body::Held;
use crate::error::Error;
use crate::request::{self, TraceContext};

/// Entries of a page, unless the request says otherwise, and at most.
const PAGE_COUNT: usize = 100;
const PAGE_COUNT_MAX: usize = 1_000;

/// What a request brings.
pub(super) struct Posted<'a, T> {
    pub(super) value: T,
    /// Headers by which its messages join its trace.
    pub(super) trace: TraceContext,
    /// Its share of the budget, for as long as what it brought is in hand.
    pub(super) held: Held<'a>,
}

/// Reads a request whose body is a `what`, in JSON.
pub(super) async fn posted<'a, T: DeserializeOwned, P>(
    state: &'a State<P>,
    request: Request<Body>,
    bytes_max: usize,
    what: &str,
) -> Result<Posted<'a, T>, Error> {
    let read = |text: &[u8]| {
        wasmill_json::read(text).map_err(|error| Error::Bad {
            field: None,
            detail: format!("the body is no {what}: {error}"),
        })
    };
    posted_as(state, request, bytes_max, read).await
}

/// The same of a request whose body is read by `read`.
pub(super) async fn posted_as<'a, T, P>(
    state: &'a State<P>,
    request: Request<Body>,
    bytes_max: usize,
    read: impl FnOnce(&[u8]) -> Result<T, Error>,
) -> Result<Posted<'a, T>, Error> {
    let (parts, body) = request.into_parts();
    let time_max = state.limits.body_timeout;
    let held = state.budget.read(body, bytes_max, time_max).await?;
    let value = read(&held.bytes)?;
    Ok(Posted {
        value,
        trace: TraceContext::of(&parts.headers),
        held,
    })
}

/// How many entries a page has, at most.
pub(super) fn page_limit(asked: Option<usize>) -> Result<usize, Error> {
    let limit = asked.unwrap_or(PAGE_COUNT);
    match (1..=PAGE_COUNT_MAX).contains(&limit) {
        true => Ok(limit),
        false => {
            let detail = format!("`limit` is from 1 to {PAGE_COUNT_MAX}");
            Err(Error::bad("limit", detail))
        }
    }
}

/// How many things were acted upon.
#[derive(Serialize, ToSchema)]
pub(super) struct Count {
    pub(super) count: u64,
}

/// A query that has no parts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// The one segment of the path that the route leaves open.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        let Path(segment) = segment.map_err(|error| Error::Bad {
            field: None,
            detail: error.body_text(),
        })?;
        Ok(Self(segment))
    }
}

/// The two segments of the path that the route leaves open.
pub(super) struct Segments(pub(super) String, pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let segments = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((first, second)) = segments.map_err(|error| Error::Bad {
            field: None,
            detail: error.body_text(),
        })?;
        Ok(Self(first, second))
    }
}

/// The query, whose every part must be known, and UTF-8.
pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Error> {
    request::query_pairs(uri.query())?;
    let parsed = Query::try_from_uri(uri);
    parsed.map(|Query(it)| it).map_err(|error| Error::Bad {
        field: None,
        // Without the sentence before it, which speaks of the code.
        detail: match error.source() {
            Some(cause) => format!("the query is wrong: {cause}"),
            None => error.body_text(),
        },
    })
}

/// An answer.
pub(super) fn json(value: &impl Serialize) -> Response {
    let text = serde_json::to_vec(value).expect("texts and numbers are JSON");
    json_text(text.into())
}

/// An answer that is JSON already.
pub(super) fn json_text(text: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// A time such as `2027-01-31T08:00:00.250Z`.
pub(super) fn parse_time(field: &str, text: &str) -> Result<Millis, Error> {
    let time = humantime::parse_rfc3339(text).map_err(|_| {
        let detail = format!("`{text}` is no time such as `2027-01-31T08:00:00.250Z`");
        Error::bad(field, detail)
    })?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    Ok(Millis(u64::try_from(millis).unwrap_or(u64::MAX)))
}
