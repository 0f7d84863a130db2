//! What HTTP needs of the platform, so that it can be tested against a scripted one.

use std::future::Future;

use wasmill_model::Name;
use wasmill_model::http::{Accepted, Problem, Request, Response};
use wasmill_port::guest::{self, Guests};
use wasmill_service::{AcceptError, Handle, Incoming, QueryError, Receipt};

/// The platform as HTTP sees it. Clones are cheap and mean the same platform.
pub trait Platform: Clone + Send + Sync + 'static {
    /// Takes a message in; returns once it is durable.
    fn accept(
        &self,
        incoming: Incoming,
    ) -> impl Future<Output = Result<Receipt, AcceptError>> + Send;

    /// Takes messages in, in their order, each by itself; returns once they are durable.
    fn accept_all(
        &self,
        all: Vec<Incoming>,
    ) -> impl Future<Output = Result<Vec<Result<Receipt, AcceptError>>, AcceptError>> + Send;

    /// Asks a plugin's gate about a request.
    fn admit(
        &self,
        plugin: &Name,
        request: Request,
    ) -> impl Future<Output = Result<Result<Accepted, Problem>, guest::Error>> + Send;

    /// Asks a plugin's query about the durable state of a key.
    fn query(
        &self,
        plugin: &Name,
        key: &Name,
        request: Request,
    ) -> impl Future<Output = Result<Response, QueryError>> + Send;
}

impl<G: Guests> Platform for Handle<G> {
    async fn accept(&self, incoming: Incoming) -> Result<Receipt, AcceptError> {
        Self::accept(self, incoming).await
    }

    async fn accept_all(
        &self,
        all: Vec<Incoming>,
    ) -> Result<Vec<Result<Receipt, AcceptError>>, AcceptError> {
        Self::accept_all(self, all).await
    }

    async fn admit(
        &self,
        plugin: &Name,
        request: Request,
    ) -> Result<Result<Accepted, Problem>, guest::Error> {
        Self::admit(self, plugin, request).await
    }

    async fn query(
        &self,
        plugin: &Name,
        key: &Name,
        request: Request,
    ) -> Result<Response, QueryError> {
        Self::query(self, plugin, key, request).await
    }
}
