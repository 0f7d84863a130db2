//! The ingress route of a request, and what the plugin sees of that.

use std::sync::Arc;

use matchit::Router;
use percent_encoding::percent_decode_str;
use wasmill_model::routes::Ingress;
use wasmill_model::{Routes, http};

use crate::scenario::Request;

/// A route, and the request as the plugin sees it.
pub(crate) struct Found {
    pub(crate) route: Arc<Ingress>,
    pub(crate) request: http::Request,
}

/// Finds the route of a request.
///
/// # Errors
/// A text that says why there is none, and the remedy.
pub(crate) fn find(routes: &Routes, request: &Request) -> Result<Found, String> {
    let Request {
        method,
        path,
        query,
        headers,
        body,
    } = request;
    let mut router = Router::new();
    for route in routes.ingress.iter().filter(|it| it.method == *method) {
        let inserted = router.insert(&route.path, route);
        inserted.map_err(|error| format!("the route {method} {}: {error}", route.path))?;
    }
    let Ok(matched) = router.at(path) else {
        return Err(format!(
            "no ingress route of the routes has {method} {path}: add one, or ask on another path"
        ));
    };
    let decoded = |(name, value): (&str, &str)| {
        let value = percent_decode_str(value).decode_utf8();
        let value = value.map_err(|_| format!("`{name}` in the path {path} is not UTF-8"))?;
        Ok((name.to_owned(), value.into_owned()))
    };
    let params = matched.params.iter().map(decoded);
    Ok(Found {
        route: Arc::clone(matched.value),
        request: http::Request {
            method: method.clone(),
            path: path.clone(),
            params: params.collect::<Result<_, String>>()?,
            query: query.clone(),
            headers: headers.clone(),
            body: body.clone(),
        },
    })
}
