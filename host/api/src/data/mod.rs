//! The data API, for operators and their tools: `/v1/...` on a listener of its own.

mod auth;
mod dead_letters;
mod form;
mod messages;
mod operator;
mod subscriptions;
mod transactions;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State as Held};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;

pub use auth::{Access, Token};
pub(crate) use dead_letters::ShownBody;
pub use operator::Operator;

use crate::api::State;
use crate::error::Error;
use crate::{Api, Platform, Service};

/// Operators' requests in progress at once; further ones are told to come again.
const OPERATORS_MAX: usize = 16;
/// Connections at once: apart from those of the operator's routes, and few enough beside them.
const CONNECTIONS_MAX: usize = 256;
/// How long one may stay idle: tools ask at once, and others wait for their places.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

type Shared<P> = Held<Arc<State<P>>>;

impl<P: Platform + Operator> Api<P> {
    /// The data API.
    pub fn data_service(&self, access: Access) -> Service {
        Service {
            router: self.data_router(access),
            connections_max: CONNECTIONS_MAX,
            head_timeout: HEAD_TIMEOUT,
        }
    }

    fn data_router(&self, access: Access) -> Router {
        let places = Arc::new(Semaphore::new(OPERATORS_MAX));
        let operators = Router::new()
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
            .route("/v1/transactions", get(transactions::list::<P>))
            .route("/v1/transactions/{id}", get(transactions::show::<P>))
            .layer(middleware::from_fn_with_state(places, bound));
        Router::new()
            .route("/v1/messages", post(messages::send::<P>))
            .route("/v1/transactions", post(transactions::prepare::<P>))
            .route(
                "/v1/transactions/{id}/commit",
                post(transactions::commit::<P>),
            )
            .route(
                "/v1/transactions/{id}/rollback",
                post(transactions::roll_back::<P>),
            )
            .merge(operators)
            .fallback(no_route)
            .method_not_allowed_fallback(no_method)
            .layer(middleware::from_fn_with_state(
                Arc::new(access),
                auth::check,
            ))
            .with_state(self.state())
    }
}

/// Operators have little to ask at once, and what they ask may be much.
async fn bound(Held(places): Held<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let busy = Error::Busy {
        what: "as many operators' requests in hand as it can serve",
    };
    match places.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => busy.into_response(),
    }
}

async fn no_method(request: Request) -> Response {
    let detail = format!("{} is not among what this path knows", request.method());
    Error::NotAllowed(detail).into_response()
}

async fn no_route(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    Error::NoRoute { path }.into_response()
}
