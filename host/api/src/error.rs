//! The one place that turns errors into HTTP: problem details (RFC 9457).
//!
//! What a caller can mend is explained to the caller. What only the operator can is logged here
//! and answered in general words.

mod description;

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use wasmill_model::OverLimit;
use wasmill_model::http::Problem;
use wasmill_model::limits::Part;
use wasmill_port::guest;
use wasmill_port::plugins::ActError;
use wasmill_service::{
    AcceptError, BUSY_RETRY_AFTER, LookUpError, MoveError, OperateError, OverQuota, QueryError,
};

pub(crate) use description::Description;

/// When to come again to a host that starts, stops, or lacks a plugin.
const RETRY_AFTER_UNAVAILABLE: Duration = Duration::from_secs(2);

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
    /// An operator's wish about a plugin could not be written down.
    Unwritten(ActError),
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

    /// That this happened to one message of many.
    pub(crate) fn within(self, index: usize) -> Self {
        match self {
            Self::Bad { field, detail } => Self::Bad {
                field: Some(match field {
                    Some(field) => format!("{}.{field}", in_batch(index)),
                    None => in_batch(index),
                }),
                detail: format!("message {index}: {detail}"),
            },
            other => other,
        }
    }

    /// What it is answered with, alone or as one result of many. What is none of the caller's
    /// business goes to the log here.
    pub(crate) fn describe(self) -> Description {
        match self {
            Self::NoRoute { path } => Description::new(
                StatusCode::NOT_FOUND,
                format!("no route has the path `{path}`"),
            ),
            Self::Method { allow } => {
                let detail = format!("this path knows {allow}");
                Description {
                    header: Some((header::ALLOW, allow)),
                    ..Description::new(StatusCode::METHOD_NOT_ALLOWED, detail)
                }
            }
            Self::Bad { field, detail } => Description {
                field,
                ..Description::new(StatusCode::BAD_REQUEST, detail)
            },
            Self::BodyTooLarge { bytes_max } => too_large(bytes_max),
            Self::BodySlow => {
                Description::new(StatusCode::REQUEST_TIMEOUT, "the body took too long")
            }
            Self::BodyBroken => Description::new(StatusCode::BAD_REQUEST, "the body is incomplete"),
            Self::Busy { what } => busy(format!("the host has {what}")),
            Self::Starting => unavailable("the host is starting"),
            Self::Stopped => unavailable("the host is stopping"),
            Self::Refused(problem) => refused(problem),
            Self::Guest(error) => guest_error(&error),
            Self::NoStatus { answered } => internal(&format!(
                "a query answered with {answered}, which is no final status"
            )),
            Self::Accept(error) => accept_error(&error),
            Self::Operate(error) => operate_error(&error),
            // Whoever asked for it is the operator.
            Self::Unwritten(error) => {
                Description::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string())
            }
            Self::LookUp(error) => look_up_error(&error),
            Self::NotAllowed(detail) => Description::new(StatusCode::METHOD_NOT_ALLOWED, detail),
            Self::Missing(what) => Description::new(StatusCode::NOT_FOUND, what),
            Self::Conflict(why) => Description::new(StatusCode::CONFLICT, why),
            Self::Unauthorized => unauthorized(),
            Self::Forbidden(why) => Description::new(StatusCode::FORBIDDEN, why),
        }
    }
}

/// A message of a batch, as errors name it.
pub(crate) fn in_batch(index: usize) -> String {
    format!("messages[{index}]")
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
        self.describe().into_response()
    }
}

fn guest_error(error: &guest::Error) -> Description {
    match error {
        guest::Error::Unavailable(plugin) => unavailable(format!(
            "plugin `{plugin}`, which this route needs, is not in service"
        )),
        guest::Error::NoExport { .. } | guest::Error::Failed { .. } => internal(error),
    }
}

fn operate_error(error: &OperateError) -> Description {
    match error {
        OperateError::NotFound | OperateError::NoTransaction => {
            Description::new(StatusCode::NOT_FOUND, error.to_string())
        }
        OperateError::Version(error) => Error::from(error.clone()).describe(),
        OperateError::Refused(refused) => {
            Description::new(StatusCode::CONFLICT, refused.to_string())
        }
        OperateError::Move(MoveError::UnknownSubscription(name)) => Description::new(
            StatusCode::NOT_FOUND,
            format!("there is no subscription `{name}` in the routes"),
        ),
        OperateError::Move(under_way) => {
            Description::new(StatusCode::CONFLICT, under_way.to_string())
        }
        OperateError::Busy | OperateError::Previewing => busy(error.to_string()),
        OperateError::Stopped => unavailable(error.to_string()),
        OperateError::Store(_) => internal(error),
    }
}

fn look_up_error(error: &LookUpError) -> Description {
    match error {
        LookUpError::Busy => busy(error.to_string()),
        LookUpError::Stopped => unavailable(error.to_string()),
        LookUpError::Store(_) => internal(error),
    }
}

fn unauthorized() -> Description {
    let detail = "the data API wants its token, as `Authorization: Bearer TOKEN`";
    Description {
        header: Some((header::WWW_AUTHENTICATE, "Bearer".to_owned())),
        ..Description::new(StatusCode::UNAUTHORIZED, detail)
    }
}

fn accept_error(error: &AcceptError) -> Description {
    let described = match error {
        AcceptError::Busy { .. } | AcceptError::Behind { .. } | AcceptError::TooMany(_) => {
            Description::new(StatusCode::TOO_MANY_REQUESTS, error.to_string())
        }
        AcceptError::Quota(over) => over_quota(over),
        AcceptError::Conflict { .. } => {
            Description::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
        }
        AcceptError::Limit(over) => over_limit(over),
        AcceptError::Invalid(_) => Description::new(StatusCode::BAD_REQUEST, error.to_string()),
        AcceptError::Stopped => unavailable(error.to_string()),
        // Routes are checked whole, so this request began under routes that are gone by now.
        AcceptError::UnknownTopic(_) => unavailable("the routes changed meanwhile"),
        AcceptError::Store(_) => internal(error),
    };
    Description {
        retry_after: error.retry_after().or(described.retry_after),
        ..described
    }
}

fn over_limit(over: &OverLimit) -> Description {
    let part = over.exceeded.part;
    let limit = over.policy();
    let status = match part {
        Some(Part::Body) => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    Description {
        field: part.map(|part| part.name().to_owned()),
        topic: limit.map(|_| over.topic.to_string()),
        limit,
        ..Description::new(status, over.to_string())
    }
}

fn over_quota(over: &OverQuota) -> Description {
    Description {
        topic: Some(over.topic.to_string()),
        quota: Some(over.bound.name()),
        ..Description::new(StatusCode::TOO_MANY_REQUESTS, over.to_string())
    }
}

fn refused(problem: Problem) -> Description {
    let status = StatusCode::from_u16(problem.status)
        .ok()
        .filter(StatusCode::is_client_error);
    let described = Description::new(status.unwrap_or(StatusCode::BAD_REQUEST), problem.detail);
    Description {
        title: match problem.title.is_empty() {
            true => described.title,
            false => problem.title.into(),
        },
        field: problem.field,
        ..described
    }
}

fn too_large(bytes_max: usize) -> Description {
    let detail = format!("the body is larger than the {bytes_max} bytes that this route takes");
    Description::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

fn busy(detail: String) -> Description {
    Description {
        retry_after: Some(BUSY_RETRY_AFTER),
        ..Description::new(StatusCode::TOO_MANY_REQUESTS, detail)
    }
}

fn unavailable(detail: impl Into<String>) -> Description {
    Description {
        retry_after: Some(RETRY_AFTER_UNAVAILABLE),
        ..Description::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

/// An error of the operator's side: its details are none of the caller's business.
fn internal(error: &dyn std::fmt::Display) -> Description {
    // As a text, whose line breaks are escaped: one record, however long a plugin's backtrace is.
    tracing::error!(error = error.to_string(), "a request failed");
    Description::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the host could not serve this request; see its log",
    )
}
