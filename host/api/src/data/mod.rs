//! The data API, for operators and their tools: `/v1/...` on a listener of its own.

mod answers;
mod auth;
mod batch;
mod candidates;
mod control;
mod dead_letters;
mod document;
mod form;
mod look_up;
mod messages;
mod operator;
mod pending;
mod plugins;
mod positions;
mod previews;
mod recall;
mod requests;
mod schedules;
mod shown;
mod stories;
mod subscriptions;
mod timers;
mod told;
mod topics;
mod transactions;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State as Held};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use bytes::Bytes;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;

pub use auth::{Access, Token};
pub use control::{Acting, Control, Damages, Trying};
pub use look_up::LookUp;
pub use operator::Operator;
pub(crate) use shown::as_text;

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
type Routes<P> = OpenApiRouter<Arc<State<P>>>;

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
        let (router, document) = routes::<P>().split_for_parts();
        router
            .layer(Extension(Bytes::from(document::text(&document))))
            .fallback(no_route)
            .method_not_allowed_fallback(no_method)
            .layer(middleware::from_fn_with_state(
                Arc::new(access),
                auth::check,
            ))
            .with_state(self.state())
    }
}

/// All routes, with what the document says of them.
fn routes<P: Platform + Operator>() -> Routes<P> {
    let places = Arc::new(Semaphore::new(OPERATORS_MAX));
    let operators = Routes::new()
        .merge(dead_letters::routes())
        .merge(previews::routes())
        .merge(recall::routes())
        .merge(subscriptions::routes())
        .merge(positions::routes())
        .merge(schedules::routes())
        .merge(plugins::routes())
        .merge(candidates::routes())
        .merge(topics::routes())
        .merge(stories::routes())
        .merge(transactions::operators_routes())
        .merge(timers::routes())
        .layer(middleware::from_fn_with_state(places, bound));
    document::described()
        .merge(batch::routes())
        .merge(messages::routes())
        .merge(transactions::producers_routes())
        .merge(requests::routes())
        .merge(operators)
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
