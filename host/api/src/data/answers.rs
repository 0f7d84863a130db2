//! What requests of the data API are answered with when they are not served, for the document.

use std::collections::BTreeMap;

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

/// Why a request was not served (RFC 9457). `detail` says what to change.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `Error` writes")]
pub(super) struct Problem {
    /// `about:blank`: the status says of what kind it is.
    r#type: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    /// The part of the request that is wrong, if one is.
    #[schema(nullable = false)]
    field: Option<String>,
    /// The topic that takes no more for now, or nothing as large, as it is declared, if one does
    /// not.
    #[schema(nullable = false)]
    topic: Option<String>,
    /// Which of its bounds it has passed: `messages_per_second`, `bytes_per_second` or
    /// `pending_max`.
    #[schema(nullable = false)]
    quota: Option<String>,
    /// Which of its bounds the message is over: `body_bytes_max`, `headers_bytes_max` or
    /// `headers_count_max`.
    #[schema(nullable = false)]
    limit: Option<String>,
}

/// Any request may be answered with these.
pub(super) struct Always;

/// What the path names may not be there.
pub(super) struct Missing;

/// The request may contradict what is there.
pub(super) struct Conflicting;

/// What is there may not allow it.
pub(super) struct Refusing;

/// It may be impossible to write it down.
pub(super) struct Writing;

/// The body may be too large, or too slow.
pub(super) struct OfBody;

impl IntoResponses for Always {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (
                400,
                "A part of the request is wrong; `detail` says what to change.",
            ),
            (401, "The token is missing or wrong."),
            (
                403,
                "Without a token, only tools on this machine are served, and no web pages.",
            ),
            (
                429,
                "The host, or the topic, has as much in hand as it can: come again after \
                 `Retry-After`.",
            ),
            (500, "The host could not serve this request; see its log."),
            (
                503,
                "The host is starting or stopping: come again after `Retry-After`.",
            ),
        ])
    }
}

impl IntoResponses for Missing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(404, "What the path names is not there.")])
    }
}

impl IntoResponses for Conflicting {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(422, "The `id` was used before for another content.")])
    }
}

impl IntoResponses for Refusing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(409, "What is there does not allow it; `detail` says why.")])
    }
}

impl IntoResponses for Writing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(
            507,
            "The data directory could not be written, full as it may be, so nothing was done; \
             `detail` has the cause.",
        )])
    }
}

impl IntoResponses for OfBody {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (408, "The body took too long."),
            (413, "The body is too large."),
        ])
    }
}

fn problems(all: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    let described = all.iter().map(|(status, description)| {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
        let response = ResponseBuilder::new()
            .description(*description)
            .content("application/problem+json", content.build());
        let response = match status {
            429 | 503 => response.header(
                "Retry-After",
                HeaderBuilder::new()
                    .description(Some("Whole seconds."))
                    .build(),
            ),
            401 => response.header(
                "WWW-Authenticate",
                HeaderBuilder::new().description(Some("`Bearer`")).build(),
            ),
            _ => response,
        };
        (status.to_string(), response.build().into())
    });
    described.collect()
}
