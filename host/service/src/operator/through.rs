//! Which version of a plugin handles dead letters, and where.

use wasmill_engine::dead_letters::{Redrive, RedriveError};
use wasmill_model::Name;
use wasmill_port::Guests;
use wasmill_port::chosen::Choose;

use super::OperateError;
use crate::handle::Handle;

/// Which version is to handle letters, and where.
#[derive(Clone, Copy, Debug, Default)]
pub struct Through<'a> {
    /// Another subscription that gets them.
    pub to: Option<&'a Name>,
    /// The version, by its content hash or the first 8 or more of its digits.
    pub version: Option<&'a str>,
}

impl<G: Guests + Choose> Handle<G> {
    /// How letters of a subscription are redriven through a version. If none is named, the one that
    /// serves when they are delivered handles them.
    ///
    /// # Errors
    /// [`OperateError`] if the version must not handle them.
    pub async fn redrive_through(
        &self,
        subscription: &Name,
        through: Through<'_>,
    ) -> Result<Redrive, OperateError> {
        let mut redrive = Redrive::to(through.to);
        if let Some(version) = through.version {
            let plugin = self.plugin_of(subscription, through)?;
            let ready = self.shared.guests.make_ready(&plugin, version).await;
            redrive.version = Some(ready?);
        }
        Ok(redrive)
    }

    /// The version that is to handle letters of a subscription for show, and its plugin.
    pub(super) async fn choose(
        &self,
        subscription: &Name,
        through: Through<'_>,
    ) -> Result<(Name, G::Chosen), OperateError> {
        let plugin = self.plugin_of(subscription, through)?;
        let chosen = self.shared.guests.choose(&plugin, through.version).await?;
        Ok((plugin, chosen))
    }

    /// The plugin that is to handle letters of a subscription.
    fn plugin_of(&self, subscription: &Name, through: Through<'_>) -> Result<Name, OperateError> {
        let name = through.to.unwrap_or(subscription);
        let routes = self.routes();
        let subscription = routes.subscription(name);
        let found = subscription.map(|it| it.plugin.clone());
        Ok(found.ok_or_else(|| RedriveError::UnknownSubscription(name.clone()))?)
    }
}
