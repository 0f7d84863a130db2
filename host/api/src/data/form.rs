//! What requests and answers of the data API have in common.

use axum::extract::Query;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// How many things were acted upon.
#[derive(Serialize)]
pub(super) struct Count {
    pub(super) count: u64,
}

/// The query, whose every part must be known.
pub(super) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Error> {
    let parsed = Query::try_from_uri(uri);
    parsed.map(|Query(it)| it).map_err(|error| Error::Bad {
        field: None,
        detail: error.body_text(),
    })
}

/// An answer.
pub(super) fn json(value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).expect("texts and numbers are JSON");
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
