//! Which subscriptions are not done with a message, and whether somebody serves them.

use serde::Serialize;
use utoipa::ToSchema;
use wasmill_model::Name;
use wasmill_service::Extent;
use wasmill_service::story::{Pending, Story};

use super::Operator;
use crate::Platform;
use crate::api::State;
use crate::error::Error;

/// A subscription that has a message and is not done with it.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownPending {
    #[schema(value_type = String)]
    subscription: Name,
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    /// How many deliveries have failed; none if no handler is done with it yet. The most, if it
    /// has the message several times.
    attempts: u32,
    /// Whose handler is called; none if the routes no longer have the subscription.
    #[schema(value_type = Option<String>)]
    plugin: Option<Name>,
    /// Whether the plugin is in service. What it has waits until it is.
    in_service: bool,
}

/// Who handles messages, as it is now.
pub(super) struct Service<'a, P> {
    platform: &'a P,
    /// Plugins that the routes name and that are not in service.
    missing: Vec<Name>,
}

impl<'a, P: Platform + Operator> Service<'a, P> {
    /// That of the platform.
    ///
    /// # Errors
    /// [`Error::Starting`] if it has not recovered yet.
    pub(super) fn of(state: &'a State<P>) -> Result<Self, Error> {
        let opened = state.opened().ok_or(Error::Starting)?;
        Ok(Self {
            platform: &opened.platform,
            missing: (opened.missing)(),
        })
    }

    /// Who is not done with a message; none if the log was not read to its end, or has gaps, so
    /// that nobody can say. That other flows were left out says nothing of this one.
    pub(super) fn pending(&self, story: &Story, read: &Extent) -> Option<Vec<ShownPending>> {
        let is_whole = !read.cut_short && read.damaged == 0;
        is_whole.then(|| story.pending.iter().map(|it| self.show(it)).collect())
    }

    fn show(&self, pending: &Pending) -> ShownPending {
        let plugin = self.platform.plugin_of(&pending.subscription);
        let in_service = plugin.as_ref().is_some_and(|it| !self.missing.contains(it));
        let Pending {
            subscription,
            key,
            attempts,
        } = pending;
        ShownPending {
            subscription: subscription.clone(),
            key: key.clone(),
            attempts: *attempts,
            plugin,
            in_service,
        }
    }
}
