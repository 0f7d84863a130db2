//! From a request to the route that serves it.

use std::sync::Arc;

use axum::extract::{Request, State as Extracted};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::time::Instant;
use wasmill_model::http;

use crate::Platform;
use crate::api::State;
use crate::error::Error;
use crate::table::{Found, Kind, NotFound, Table};
use crate::{ingress, query, request};

/// The path that metrics show for requests without a route.
const NO_ROUTE: &str = "(none)";

/// Serves a request on one of the operator's routes.
pub(crate) async fn dispatch<P: Platform>(
    Extracted(state): Extracted<Arc<State<P>>>,
    request: Request,
) -> Response {
    let start = Instant::now();
    let _in_flight = state.metrics.in_flight();
    let (parts, body) = request.into_parts();
    let method = parts.method.clone();
    let table = state.table.load_full();
    let found = table.find(&method, parts.uri.path());
    let path = found
        .as_ref()
        .map_or_else(|_| NO_ROUTE.into(), |f| f.endpoint.path.clone());
    let response = match found {
        Ok(found) => serve(&state, &table, found, parts, body).await,
        Err(missed) => unrouted(&parts, missed),
    };
    let response = response.unwrap_or_else(Error::into_response);
    state
        .metrics
        .served(&method, path, response.status(), start.elapsed());
    response
}

async fn serve<P: Platform>(
    state: &State<P>,
    table: &Table,
    found: Found,
    parts: Parts,
    body: axum::body::Body,
) -> Result<Response, Error> {
    let platform = state.platform()?;
    let _place = state.enter()?;
    let Found { endpoint, params } = found;
    match &endpoint.kind {
        Kind::Ingress { route, replay } => {
            let route = ingress::Route {
                ingress: route,
                replay: replay.as_ref(),
                table,
            };
            ingress::serve(state, platform, route, parts, params, body).await
        }
        Kind::Query { route, key } => {
            let request = http::Request {
                method: Method::GET.as_str().to_owned(),
                path: parts.uri.path().to_owned(),
                params,
                query: request::query_pairs(parts.uri.query())?,
                headers: request::headers(&parts.headers),
                body: Bytes::new(),
            };
            query::response(query::ask(platform, route, key, request).await?)
        }
    }
}

fn unrouted(parts: &Parts, missed: NotFound) -> Result<Response, Error> {
    match missed {
        NotFound::Path => Err(Error::NoRoute {
            path: parts.uri.path().to_owned(),
        }),
        NotFound::Method { allow } if parts.method == Method::OPTIONS => {
            Ok((StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response())
        }
        NotFound::Method { allow } => Err(Error::Method { allow }),
        NotFound::Encoding { parameter } => Err(Error::bad(
            &parameter,
            format!("the path's `{parameter}` is not UTF-8"),
        )),
    }
}
