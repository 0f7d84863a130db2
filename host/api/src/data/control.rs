//! What the data API needs of the plugins, so that it can be tested against scripted ones.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use wasmill_model::Name;
use wasmill_port::Plugins;
use wasmill_port::candidate::{Candidate, Candidates, Plan};
use wasmill_port::plugins::{ActError, Action};
use wasmill_service::{PluginStatus, Serving, Supervisor};

use crate::error::Error;

/// The plugins as operators see them. Not a part of [`super::Operator`], which is made for the engine's
/// handle: plugins have a life of their own.
pub trait Control: Send + Sync + 'static {
    /// Every plugin that there is, by name.
    fn statuses(&self) -> Vec<PluginStatus>;

    /// One plugin; none if there is nothing of it.
    fn status(&self, name: &str) -> Option<PluginStatus>;

    /// What is wrong with the content of a plugin's kept versions, by their hashes.
    fn damages(self: Arc<Self>, name: Name) -> Damages;

    /// Does what an operator wants, and tells how the plugin stands then.
    fn act(self: Arc<Self>, name: Name, action: Action) -> Acting;

    /// Tries a version beside the one that serves.
    fn try_version(self: Arc<Self>, name: Name, version: String, plan: Plan) -> Trying;

    /// The version of a plugin on trial, or the last one that was.
    fn candidate(&self, name: &str) -> Option<Candidate>;

    /// Puts a plugin's canary into service.
    fn promote(self: Arc<Self>, name: Name) -> Acting;

    /// Ends the trial of a version.
    ///
    /// # Errors
    /// [`ActError`] if none is under way.
    fn end_trial(&self, name: &Name) -> Result<Candidate, ActError>;
}

/// What is wrong with versions' content being looked for, by their hashes.
pub type Damages = Pin<Box<dyn Future<Output = BTreeMap<String, String>> + Send>>;

/// An operator's wish being done. Once it was polled it is done to its end: a client that goes away takes
/// nothing back.
pub type Acting = Pin<Box<dyn Future<Output = Result<PluginStatus, ActError>> + Send>>;

/// A version's trial being begun, in the same way.
pub type Trying = Pin<Box<dyn Future<Output = Result<Candidate, ActError>> + Send>>;

impl<P: Plugins + Candidates, S: Serving> Control for Supervisor<P, S> {
    fn statuses(&self) -> Vec<PluginStatus> {
        Self::statuses(self)
    }

    fn status(&self, name: &str) -> Option<PluginStatus> {
        Self::status(self, name)
    }

    fn damages(self: Arc<Self>, name: Name) -> Damages {
        Box::pin(async move { Self::damages(&self, &name).await })
    }

    fn act(self: Arc<Self>, name: Name, action: Action) -> Acting {
        Box::pin(Self::act(self, name, action))
    }

    fn try_version(self: Arc<Self>, name: Name, version: String, plan: Plan) -> Trying {
        Box::pin(Self::try_version(self, name, version, plan))
    }

    fn candidate(&self, name: &str) -> Option<Candidate> {
        Self::candidate(self, name)
    }

    fn promote(self: Arc<Self>, name: Name) -> Acting {
        Box::pin(Self::promote(self, name))
    }

    fn end_trial(&self, name: &Name) -> Result<Candidate, ActError> {
        Self::end_trial(self, name)
    }
}

impl From<ActError> for Error {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Unknown(_) | ActError::NoVersion(_) => Self::Missing(error.to_string()),
            ActError::Refused(why) => Self::Conflict(why),
            ActError::Storage(_) => Self::Unwritten(error),
        }
    }
}
