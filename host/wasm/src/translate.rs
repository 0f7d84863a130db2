//! Between the model's words and the contract's.

use bytes::Bytes;
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::http;
use wasmill_model::{DelayLevel, MessageId, Millis, Name, When};

use crate::generated::exports::wasmill::plugin::{gate, query};
use crate::generated::wasmill::plugin::types;

/// A message id as text, without an allocation.
pub(crate) struct IdText([u8; 32]);

impl IdText {
    pub(crate) fn new(id: MessageId) -> Self {
        let mut text = [0; 32];
        hex::encode_to_slice(id.0.to_be_bytes(), &mut text).expect("16 bytes are 32 digits");
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits are ASCII")
    }
}

pub(crate) fn optional_name(text: Option<String>) -> Option<Name> {
    text.map(Name::from)
}

pub(crate) fn names(pairs: Vec<(String, String)>) -> Vec<(Name, Name)> {
    pairs
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

pub(crate) fn when(delivery: types::Delivery) -> Result<When, types::Error> {
    Ok(match delivery {
        types::Delivery::Now => When::Now,
        types::Delivery::After(delay) => When::After(delay),
        types::Delivery::At(time) => When::At(Millis(time)),
        types::Delivery::Level(number) => {
            let level = DelayLevel::new(number.into());
            level
                .map_err(|error| types::Error::Invalid(error.to_string()))?
                .into()
        }
    })
}

pub(crate) fn failure(failure: types::Failure) -> Failure {
    let (kind, cause) = match failure {
        types::Failure::Retry(cause) => (FailureKind::Retry, cause),
        types::Failure::RetryAfter(later) => {
            let delay = std::time::Duration::from_millis(later.delay);
            (FailureKind::RetryAfter(delay), later.cause)
        }
        types::Failure::Reject(cause) => (FailureKind::Reject, cause),
    };
    Failure { kind, cause }
}

/// Pairs that the guest is shown without copying their text on this side.
pub(crate) fn borrowed<T: AsRef<str>>(pairs: &[(T, T)]) -> Vec<(&str, &str)> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()))
        .collect()
}

pub(crate) fn accepted(accepted: gate::Accepted) -> http::Accepted {
    http::Accepted {
        key: optional_name(accepted.key),
        dedup_id: accepted.dedup_id,
        tag: optional_name(accepted.tag),
        headers: names(accepted.headers),
        body: accepted.body.into(),
        answer: accepted.answer.into(),
    }
}

/// The gate's problem; as text if its status is none that a refusal can have.
pub(crate) fn problem(problem: gate::Problem) -> Result<http::Problem, String> {
    let gate::Problem {
        status,
        title,
        detail,
        field,
    } = problem;
    if !(400..=499).contains(&status) {
        return Err(format!(
            "its gate refused a request with status {status} ({title}: {detail}); a gate refuses \
             with 400 to 499"
        ));
    }
    Ok(http::Problem {
        status,
        title,
        detail,
        field,
    })
}

/// The query's response; as text if its status is none that an answer can have.
pub(crate) fn response(response: query::Response) -> Result<http::Response, String> {
    let query::Response {
        status,
        headers,
        body,
        settled,
    } = response;
    if !(200..=599).contains(&status) {
        return Err(format!(
            "its query answered with status {status}; a status is 200 to 599"
        ));
    }
    Ok(http::Response {
        status,
        headers,
        body: Bytes::from(body),
        settled,
    })
}

/// A request's pairs, borrowed for the guest.
pub(crate) struct RequestLists<'a> {
    params: Vec<(&'a str, &'a str)>,
    query: Vec<(&'a str, &'a str)>,
    headers: Vec<(&'a str, &'a str)>,
}

impl<'a> RequestLists<'a> {
    pub(crate) fn new(request: &'a http::Request) -> Self {
        Self {
            params: borrowed(&request.params),
            query: borrowed(&request.query),
            headers: borrowed(&request.headers),
        }
    }

    pub(crate) fn parameter(&'a self, request: &'a http::Request) -> types::Request<'a> {
        types::Request {
            method: &request.method,
            path: &request.path,
            params: &self.params,
            query: &self.query,
            headers: &self.headers,
            body: &request.body,
        }
    }
}
