//! What a caller is told of an error, as problem details (RFC 9457).

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Why a request, or one message of many, was not served, as the caller is told.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) status: StatusCode,
    pub(super) title: Cow<'static, str>,
    pub(crate) detail: String,
    /// The part of the request that is wrong.
    pub(crate) field: Option<String>,
    /// The topic that takes no more for now, or nothing as large.
    pub(crate) topic: Option<String>,
    /// Which of its bounds it has passed.
    pub(crate) quota: Option<&'static str>,
    /// Which of its bounds the message is over.
    pub(crate) limit: Option<&'static str>,
    pub(super) retry_after: Option<Duration>,
    /// What the status wants besides.
    pub(super) header: Option<(HeaderName, String)>,
}

impl Description {
    /// An answer of this status without anything besides.
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            title: status.canonical_reason().unwrap_or("Error").into(),
            detail: detail.into(),
            field: None,
            topic: None,
            quota: None,
            limit: None,
            retry_after: None,
            header: None,
        }
    }

    /// When to come again, in whole seconds, rounded up: earlier than asked for would be in vain.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        let millis = self.retry_after?.as_millis();
        let seconds = millis.div_ceil(1000).max(1);
        Some(u64::try_from(seconds).unwrap_or(u64::MAX))
    }
}

/// The body of a problem.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
}

impl IntoResponse for Description {
    fn into_response(self) -> Response {
        let body = Body {
            r#type: "about:blank",
            title: &self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            field: self.field.as_deref(),
            topic: self.topic.as_deref(),
            quota: self.quota,
            limit: self.limit,
        };
        let body = serde_json::to_vec(&body).expect("texts and a number are JSON");
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, body).into_response();
        let seconds = self.retry_after_seconds().map(|it| it.to_string());
        let retry = seconds.map(|it| (header::RETRY_AFTER, it));
        for (name, value) in retry.into_iter().chain(self.header) {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
