//! The one place that turns errors into HTTP: problem details (RFC 9457).
//!
//! What a caller can mend is explained to the caller. What only the operator can is logged here
//! and answered in general words.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use wasmill_model::Exceeded;
use wasmill_model::http::Problem;
use wasmill_port::guest;
use wasmill_service::{AcceptError, LookUpError, MoveError, OperateError, OverQuota, QueryError};

/// When to come again to a host that starts, stops, or lacks a plugin.
const RETRY_AFTER_UNAVAILABLE: Duration = Duration::from_secs(2);
/// When to come again to a host that has as much to do as it can.
const RETRY_AFTER_BUSY: Duration = Duration::from_secs(1);

/// Why a request was not served.
#[derive(Debug)]
pub(crate) enum Error {
    /// No route has this path.
    NoRoute { path: String },
    /// The path has routes of other methods only.
    Method { allow: String },
    /// A part of the request, named if possible, is not as it must be.
    Bad {
        field: Option<String>,
        detail: String,
    },
    /// The body is larger than the route allows.
    BodyTooLarge { bytes_max: usize },
    /// The body did not arrive in time.
    BodySlow,
    /// The body ended before its end.
    BodyBroken,
    /// More requests, or bytes of bodies, than the host holds at once.
    Busy { what: &'static str },
    /// The host has not recovered yet.
    Starting,
    /// The gate refused.
    Refused(Problem),
    /// A gate or query did not answer.
    Guest(guest::Error),
    /// A query answered with what is no final status.
    NoStatus { answered: u16 },
    /// The message was not taken in.
    Accept(AcceptError),
    /// Nothing came of an operator's wish.
    Operate(OperateError),
    /// Nothing could be looked up.
    LookUp(LookUpError),
    /// The path does not know the method; the answer says already which it knows.
    NotAllowed(String),
    /// What the path names is not there.
    Missing(String),
    /// What is there does not allow it.
    Conflict(String),
    /// The data API's token is missing or wrong.
    Unauthorized,
    /// The request is refused, whoever sends it.
    Forbidden(&'static str),
    /// The host stopped before a query was answered.
    Stopped,
}

impl Error {
    /// A part of the request that is not as it must be.
    pub(crate) fn bad(field: &str, detail: impl Into<String>) -> Self {
        Self::Bad {
            field: Some(field.to_owned()),
            detail: detail.into(),
        }
    }
}

impl Error {
    /// That this happened to one message of many.
    pub(crate) fn within(self, index: usize) -> Self {
        match self {
            Self::Bad { field, detail } => Self::Bad {
                field: field.map(|field| format!("messages[{index}].{field}")),
                detail: format!("message {index}: {detail}"),
            },
            other => other,
        }
    }

    /// The status that it is answered with.
    pub(crate) fn status(self) -> StatusCode {
        self.into_response().status()
    }
}

impl From<guest::Error> for Error {
    fn from(error: guest::Error) -> Self {
        Self::Guest(error)
    }
}

impl From<AcceptError> for Error {
    fn from(error: AcceptError) -> Self {
        Self::Accept(error)
    }
}

impl From<OperateError> for Error {
    fn from(error: OperateError) -> Self {
        Self::Operate(error)
    }
}

impl From<LookUpError> for Error {
    fn from(error: LookUpError) -> Self {
        Self::LookUp(error)
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Guest(error) => Self::Guest(error),
            QueryError::Busy => Self::Busy {
                what: "changed the key's state each time while it was read",
            },
            QueryError::Stopped => Self::Stopped,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Self::NoRoute { path } => answer(
                StatusCode::NOT_FOUND,
                format!("no route has the path `{path}`"),
            ),
            Self::Method { allow } => {
                let detail = format!("this path knows {allow}");
                let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, detail);
                insert(&mut response, header::ALLOW, &allow);
                response
            }
            Self::Bad { field, detail } => details(
                StatusCode::BAD_REQUEST,
                Details {
                    detail,
                    field,
                    ..Details::default()
                },
            ),
            Self::BodyTooLarge { bytes_max } => too_large(bytes_max),
            Self::BodySlow => answer(StatusCode::REQUEST_TIMEOUT, "the body took too long"),
            Self::BodyBroken => answer(StatusCode::BAD_REQUEST, "the body is incomplete"),
            Self::Busy { what } => busy(format!("the host has {what}"), RETRY_AFTER_BUSY),
            Self::Starting => unavailable("the host is starting"),
            Self::Stopped => unavailable("the host is stopping"),
            Self::Refused(problem) => refused(problem),
            Self::Guest(error) => guest_error(&error),
            Self::NoStatus { answered } => internal(&format!(
                "a query answered with {answered}, which is no final status"
            )),
            Self::Accept(error) => accept_error(&error),
            Self::Operate(error) => operate_error(&error),
            Self::LookUp(error) => look_up_error(&error),
            Self::NotAllowed(detail) => answer(StatusCode::METHOD_NOT_ALLOWED, detail),
            Self::Missing(what) => answer(StatusCode::NOT_FOUND, what),
            Self::Conflict(why) => answer(StatusCode::CONFLICT, why),
            Self::Unauthorized => unauthorized(),
            Self::Forbidden(why) => answer(StatusCode::FORBIDDEN, why),
        }
    }
}

fn guest_error(error: &guest::Error) -> Response {
    match error {
        guest::Error::Unavailable(plugin) => unavailable(format!(
            "plugin `{plugin}`, which this route needs, is not in service"
        )),
        guest::Error::NoExport { .. } | guest::Error::Failed { .. } => internal(error),
    }
}

fn operate_error(error: &OperateError) -> Response {
    match error {
        OperateError::NotFound | OperateError::NoTransaction => {
            answer(StatusCode::NOT_FOUND, error.to_string())
        }
        OperateError::Refused(refused) => answer(StatusCode::CONFLICT, refused.to_string()),
        OperateError::Move(MoveError::UnknownSubscription(name)) => answer(
            StatusCode::NOT_FOUND,
            format!("there is no subscription `{name}` in the routes"),
        ),
        OperateError::Move(under_way) => answer(StatusCode::CONFLICT, under_way.to_string()),
        OperateError::Busy => busy(error.to_string(), RETRY_AFTER_BUSY),
        OperateError::Stopped => unavailable(error.to_string()),
        OperateError::Store(_) => internal(error),
    }
}

fn look_up_error(error: &LookUpError) -> Response {
    match error {
        LookUpError::Busy => busy(error.to_string(), RETRY_AFTER_BUSY),
        LookUpError::Stopped => unavailable(error.to_string()),
        LookUpError::Store(_) => internal(error),
    }
}

fn unauthorized() -> Response {
    let detail = "the data API wants its token, as `Authorization: Bearer TOKEN`";
    let mut response = answer(StatusCode::UNAUTHORIZED, detail);
    insert(&mut response, header::WWW_AUTHENTICATE, "Bearer");
    response
}

fn accept_error(error: &AcceptError) -> Response {
    match error {
        AcceptError::Busy { retry_after } => busy(error.to_string(), *retry_after),
        AcceptError::TooMany(_) => busy(error.to_string(), RETRY_AFTER_BUSY),
        AcceptError::Behind { retry_after } => busy(error.to_string(), *retry_after),
        AcceptError::Quota(over) => over_quota(over),
        AcceptError::Conflict { .. } => answer(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
        AcceptError::Limit(exceeded) => over_limit(exceeded),
        AcceptError::Invalid(_) => answer(StatusCode::BAD_REQUEST, error.to_string()),
        AcceptError::Stopped => unavailable(error.to_string()),
        // Routes are checked whole, so this request began under routes that are gone by now.
        AcceptError::UnknownTopic(_) => unavailable("the routes changed meanwhile"),
        AcceptError::Store(_) => internal(error),
    }
}

fn over_limit(exceeded: &Exceeded) -> Response {
    let part = exceeded.part();
    let status = match part {
        Some("body") => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    details(
        status,
        Details {
            detail: exceeded.to_string(),
            field: part.map(str::to_owned),
            ..Details::default()
        },
    )
}

fn over_quota(over: &OverQuota) -> Response {
    let response = details(
        StatusCode::TOO_MANY_REQUESTS,
        Details {
            detail: over.to_string(),
            topic: Some(over.topic.to_string()),
            quota: Some(over.bound.name()),
            ..Details::default()
        },
    );
    retry(response, over.retry_after)
}

fn refused(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.status)
        .ok()
        .filter(StatusCode::is_client_error);
    let status = status.unwrap_or(StatusCode::BAD_REQUEST);
    details(
        status,
        Details {
            title: problem.title.into(),
            detail: problem.detail,
            field: problem.field,
            ..Details::default()
        },
    )
}

fn too_large(bytes_max: usize) -> Response {
    let detail = format!("the body is larger than the {bytes_max} bytes that this route takes");
    answer(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn busy(detail: String, retry_after: Duration) -> Response {
    retry(answer(StatusCode::TOO_MANY_REQUESTS, detail), retry_after)
}

fn unavailable(detail: impl Into<String>) -> Response {
    retry(
        answer(StatusCode::SERVICE_UNAVAILABLE, detail),
        RETRY_AFTER_UNAVAILABLE,
    )
}

/// An error of the operator's side: its details are none of the caller's business.
fn internal(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "a request failed");
    answer(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the host could not serve this request; see its log",
    )
}

fn retry(mut response: Response, after: Duration) -> Response {
    let seconds = retry_seconds(after).to_string();
    insert(&mut response, header::RETRY_AFTER, &seconds);
    response
}

/// Whole seconds, rounded up: earlier than asked for would be in vain.
pub(crate) fn retry_seconds(after: Duration) -> u64 {
    let seconds = after.as_millis().div_ceil(1000).max(1);
    u64::try_from(seconds).unwrap_or(u64::MAX)
}

fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn answer(status: StatusCode, detail: impl Into<String>) -> Response {
    let detail = detail.into();
    details(
        status,
        Details {
            detail,
            ..Details::default()
        },
    )
}

/// The body of a problem.
#[derive(Default, Serialize)]
struct Details<'a> {
    r#type: &'static str,
    /// What the status is called, if not given.
    title: Cow<'a, str>,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<&'static str>,
}

fn details(status: StatusCode, mut details: Details<'_>) -> Response {
    details.r#type = "about:blank";
    details.status = status.as_u16();
    if details.title.is_empty() {
        details.title = status.canonical_reason().unwrap_or("Error").into();
    }
    let body = serde_json::to_vec(&details).expect("texts and a number are JSON");
    (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        body,
    )
        .into_response()
}
