//! `/v1/openapi.json`: the OpenAPI document, which is made of the same declarations as the routes.

use axum::Extension;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{Always, Problem};
use super::form::{Nothing, json_text, query};
use super::{Operator, Routes};
use crate::error::Error;
use crate::{Api, Platform};

/// The name of the way to show the token.
const TOKEN: &str = "token";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Wasmill data API",
        description = "For operators and their tools. What was done is durable when the answer \
                       comes.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "messages", description = "Messages from producers"),
        (name = "transactions", description = "Half messages: prepared, committed, rolled back"),
        (name = "dead letters", description = "Messages that a subscription gave up"),
        (name = "timers", description = "Timers that plugins set"),
        (name = "subscriptions", description = "How they stand, and halted keys"),
        (name = "topics", description = "Their policies, and what comes in"),
        (name = "schedules", description = "Messages that the host sends by itself"),
        (name = "plugins", description = "Their versions, and which of them serves"),
        (name = "document", description = "This document")
    ),
    components(schemas(Problem))
)]
struct Base;

impl<P: Platform + Operator> Api<P> {
    /// The data API as an OpenAPI 3.1 document, in JSON.
    #[must_use]
    pub fn openapi() -> String {
        text(&super::routes::<P>().into_openapi())
    }
}

/// A router whose routes are described in the document.
pub(super) fn described<P: Platform + Operator>() -> Routes<P> {
    let mut base = Base::openapi();
    // The token's use depends on how the host was started.
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = base.components.get_or_insert_default();
    components.add_security_scheme(TOKEN, bearer);
    let none: [&str; 0] = [];
    base.security = Some(vec![
        SecurityRequirement::default(),
        SecurityRequirement::new(TOKEN, none),
    ]);
    OpenApiRouter::with_openapi(base).routes(routes!(show))
}

/// The document's text.
pub(super) fn text(document: &Document) -> String {
    document.to_pretty_json().expect("the document is JSON")
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "document", operation_id = "openapi",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = Object), Always))]
async fn show(Extension(text): Extension<Bytes>, uri: Uri) -> Result<Response, Error> {
    let Nothing {} = query(&uri)?;
    Ok(json_text(text).into_response())
}
