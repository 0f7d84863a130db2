//! `GET` routes: answered by a plugin's query from the durable state of a key.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use wasmill_model::http::{self, Request};
use wasmill_model::routes::QueryRoute;

use crate::Platform;
use crate::error::Error;
use crate::request::checked_key;
use crate::template::Template;

/// Headers that belong to the connection and not to the plugin.
const NOT_THE_PLUGINS: [HeaderName; 6] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TRAILER,
    header::TE,
];

/// Asks the route's plugin.
pub(crate) async fn ask<P: Platform>(
    platform: &P,
    route: &QueryRoute,
    key: &Template,
    request: Request,
) -> Result<http::Response, Error> {
    let key = key
        .fill(&request.params, &request.query)
        .map_err(|missing| {
            let name = missing.0;
            Error::bad(&name, format!("the query parameter `{name}` is missing"))
        })?;
    Ok(platform
        .query(&route.owner(), &checked_key(key)?, request)
        .await?)
}

/// A plugin's answer as a response.
pub(crate) fn response(answer: http::Response) -> Result<Response, Error> {
    let status = StatusCode::from_u16(answer.status)
        .ok()
        .filter(|status| status.as_u16() >= 200);
    let status = status.ok_or(Error::NoStatus {
        answered: answer.status,
    })?;
    let mut response = (status, Body::from(answer.body)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    for (name, value) in answer.headers {
        let parsed = (HeaderName::try_from(&name), HeaderValue::try_from(&value));
        match parsed {
            (Ok(name), _) if NOT_THE_PLUGINS.contains(&name) => {}
            (Ok(name), Ok(value)) => drop(headers.insert(name, value)),
            _ => tracing::warn!(name, "a query's answer has a header that HTTP cannot carry"),
        }
    }
    Ok(response)
}
