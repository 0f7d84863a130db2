//! What the data API needs of the platform to look messages up.

use std::future::Future;

use wasmill_model::{MessageId, Name};
use wasmill_port::guest::Guests;
use wasmill_service::story::{Filter, Place};
use wasmill_service::{FoundPage, Handle, LookUpError, Told};

type Result<T> = std::result::Result<T, LookUpError>;

/// The log as operators look messages up in it.
pub trait LookUp {
    /// At most `limit` messages that meet `filter` and were stored before a place, newest first.
    fn find_messages(
        &self,
        filter: Filter,
        before: Option<Place>,
        limit: usize,
    ) -> impl Future<Output = Result<FoundPage>> + Send;

    /// The story of a message, with its body.
    fn message_story(&self, id: MessageId) -> impl Future<Output = Result<Told>> + Send;

    /// The stories of all messages of a flow.
    fn flow_story(&self, correlation: MessageId) -> impl Future<Output = Result<Told>> + Send;

    /// The stories of all flows with a message of a key.
    fn key_story(&self, key: &Name) -> impl Future<Output = Result<Told>> + Send;
}

impl<G: Guests> LookUp for Handle<G> {
    async fn find_messages(
        &self,
        filter: Filter,
        before: Option<Place>,
        limit: usize,
    ) -> Result<FoundPage> {
        Self::find_messages(self, filter, before, limit).await
    }

    async fn message_story(&self, id: MessageId) -> Result<Told> {
        Self::message_story(self, id).await
    }

    async fn flow_story(&self, correlation: MessageId) -> Result<Told> {
        Self::flow_story(self, correlation).await
    }

    async fn key_story(&self, key: &Name) -> Result<Told> {
        Self::key_story(self, key).await
    }
}
