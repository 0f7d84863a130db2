//! The routes as requests find them: one router a method, built when the routes change.

use std::sync::Arc;

use axum::http::Method;
use matchit::{InsertError, Router};
use percent_encoding::percent_decode_str;
use wasmill_model::Routes;
use wasmill_model::routes::{Ingress, QueryRoute};

use crate::template::Template;

/// The routes in force.
#[derive(Debug, Default)]
pub(crate) struct Table {
    methods: Vec<(Method, Router<Arc<Endpoint>>)>,
}

/// What answers a request.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The path with its `{parameters}`: what metrics are told apart by.
    pub(crate) path: Arc<str>,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// Takes messages in.
    Ingress {
        route: Arc<Ingress>,
        /// The path that answers a repeated request which waits.
        replay: Option<Template>,
    },
    /// Answers from state.
    Query {
        route: Arc<QueryRoute>,
        key: Template,
    },
}

/// Two routes of a method that match the same requests.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{method} {path}: {cause}; change one of the paths")]
pub struct TableError {
    method: Method,
    path: String,
    cause: InsertError,
}

/// An endpoint and the values of its path's parameters.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) params: Vec<(String, String)>,
}

/// Why no endpoint was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotFound {
    Path,
    /// The methods that the path does know.
    Method {
        allow: String,
    },
    /// The path's parameter is not text.
    Encoding {
        parameter: String,
    },
}

impl Table {
    pub(crate) fn new(routes: &Routes) -> Result<Self, TableError> {
        let mut table = Self::default();
        for route in &routes.queries {
            let kind = Kind::Query {
                route: route.clone(),
                key: Template::new(&route.key),
            };
            table.insert(Method::GET, &route.path, kind)?;
        }
        for route in &routes.ingress {
            let method = Method::from_bytes(route.method.as_bytes()).unwrap_or(Method::POST);
            let replay = route.query.as_deref().map(Template::new);
            table.insert(
                method,
                &route.path,
                Kind::Ingress {
                    route: route.clone(),
                    replay,
                },
            )?;
        }
        Ok(table)
    }

    /// What answers `method` on `path`. `HEAD` is answered as `GET`.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<Found, NotFound> {
        let method = if *method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let router = self
            .methods
            .iter()
            .find(|(candidate, _)| candidate == method);
        let Some(matched) = router.and_then(|(_, router)| router.at(path).ok()) else {
            return Err(self.not_found(path));
        };
        let mut params = Vec::with_capacity(matched.params.len());
        for (name, value) in matched.params.iter() {
            let value =
                percent_decode_str(value)
                    .decode_utf8()
                    .map_err(|_| NotFound::Encoding {
                        parameter: name.to_owned(),
                    })?;
            params.push((name.to_owned(), value.into_owned()));
        }
        Ok(Found {
            endpoint: matched.value.clone(),
            params,
        })
    }

    fn insert(&mut self, method: Method, path: &str, kind: Kind) -> Result<(), TableError> {
        let index = self.methods.iter().position(|(known, _)| *known == method);
        let index = index.unwrap_or_else(|| {
            self.methods.push((method.clone(), Router::new()));
            self.methods.len() - 1
        });
        let endpoint = Arc::new(Endpoint {
            path: path.into(),
            kind,
        });
        let router = &mut self.methods[index].1;
        router.insert(path, endpoint).map_err(|cause| TableError {
            method,
            path: path.to_owned(),
            cause,
        })
    }

    fn not_found(&self, path: &str) -> NotFound {
        let known = self
            .methods
            .iter()
            .filter(|(_, router)| router.at(path).is_ok());
        let mut allow: Vec<&str> = known.map(|(method, _)| method.as_str()).collect();
        if allow.is_empty() {
            return NotFound::Path;
        }
        if allow.contains(&"GET") {
            allow.push("HEAD");
        }
        allow.push("OPTIONS");
        allow.sort_unstable();
        NotFound::Method {
            allow: allow.join(", "),
        }
    }
}
