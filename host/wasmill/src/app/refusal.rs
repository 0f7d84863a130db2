//! What a running host says of a request that it does not serve.

use std::error::Error;
use std::fmt;

use http::{StatusCode, Uri};
use serde::Deserialize;

/// Why a host did not serve a request.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    problem: Problem,
}

/// The body of its answer.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
    /// The part of the request that is wrong.
    field: Option<String>,
}

impl Refusal {
    /// What the host at `url` answered.
    pub(super) fn read(url: &Uri, status: StatusCode, body: &[u8]) -> Self {
        let problem = serde_json::from_slice(body).unwrap_or_else(|_| Problem {
            detail: format!("{url} answered with {status}"),
            field: None,
        });
        Self { status, problem }
    }

    /// Whether the request itself is wrong, whatever the host has: malformed, or too large.
    pub(super) fn is_of_what_was_told(&self) -> bool {
        matches!(
            self.status,
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE
        )
    }

    /// Whether this part of the request is wrong.
    pub(crate) fn is_of(&self, field: &str) -> bool {
        self.problem.field.as_deref() == Some(field)
    }

    /// The message of a batch that is wrong, by its place from 0, and what is wrong with it.
    pub(crate) fn in_batch(&self) -> Option<(usize, &str)> {
        let Problem { detail, field } = &self.problem;
        let place = field.as_deref()?.strip_prefix("messages[")?;
        let (index, _) = place.split_once(']')?;
        let what = detail.strip_prefix(&format!("message {index}: "));
        let what = what.unwrap_or(detail);
        Some((index.parse().ok()?, without_place(what)))
    }
}

/// A reader's message without the place in the whole batch, which means nothing to whoever wrote
/// one message of it.
fn without_place(text: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    match text.rsplit_once(" at line ") {
        Some((what, place)) => match place.split_once(" column ") {
            Some((line, column)) if is_number(line) && is_number(column) => what,
            _ => text,
        },
        None => text,
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.detail)
    }
}

impl Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: StatusCode, body: &str) -> Refusal {
        let url = Uri::from_static("http://127.0.0.1:1");
        Refusal::read(&url, status, body.as_bytes())
    }

    #[test]
    fn a_message_of_a_batch_is_told_from_the_batch() {
        let body = r#"{"detail": "message 3: unknown field `x` at line 1 column 9",
            "field": "messages[3]"}"#;
        let one = refusal(StatusCode::BAD_REQUEST, body);
        assert_eq!(one.in_batch(), Some((3, "unknown field `x`")));
        let body = r#"{"detail": "message 12: `stop at line 3` is no span",
            "field": "messages[12].delay"}"#;
        let one = refusal(StatusCode::BAD_REQUEST, body);
        assert_eq!(one.in_batch(), Some((12, "`stop at line 3` is no span")));
        let all = r#"{"detail": "a batch has at most 1000", "field": "messages"}"#;
        assert_eq!(refusal(StatusCode::BAD_REQUEST, all).in_batch(), None);
    }

    #[test]
    fn what_is_no_problem_is_told_by_its_status() {
        let refusal = refusal(StatusCode::BAD_GATEWAY, "<html>");
        assert_eq!(
            refusal.to_string(),
            "http://127.0.0.1:1/ answered with 502 Bad Gateway"
        );
        assert!(!refusal.is_of_what_was_told());
    }
}
