//! The data API, for operators and their tools: `/v1/...` on a listener of its own.

mod auth;
mod dead_letters;
mod form;
mod operator;
mod subscriptions;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

pub use auth::{Access, Token};
pub use operator::Operator;

use crate::api::State;
use crate::error::Error;
use crate::{Api, Platform};

type Shared<P> = axum::extract::State<Arc<State<P>>>;

impl<P: Platform + Operator> Api<P> {
    /// The data API as one service.
    pub fn data_router(&self, access: Access) -> Router {
        Router::new()
            .route(
                "/v1/dead-letters",
                get(dead_letters::list::<P>).delete(dead_letters::purge_all::<P>),
            )
            .route(
                "/v1/dead-letters/redrive",
                post(dead_letters::redrive_all::<P>),
            )
            .route(
                "/v1/dead-letters/{id}",
                get(dead_letters::show::<P>).delete(dead_letters::purge::<P>),
            )
            .route(
                "/v1/dead-letters/{id}/redrive",
                post(dead_letters::redrive::<P>),
            )
            .route("/v1/subscriptions", get(subscriptions::list::<P>))
            .route(
                "/v1/subscriptions/{name}/halted",
                get(subscriptions::halted::<P>),
            )
            .route(
                "/v1/subscriptions/{name}/resume",
                post(subscriptions::resume::<P>),
            )
            .fallback(no_route)
            .layer(middleware::from_fn_with_state(
                Arc::new(access),
                auth::check,
            ))
            .with_state(self.state())
    }
}

async fn no_route(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    Error::NoRoute { path }.into_response()
}
