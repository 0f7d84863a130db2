//! Calls that are made beside another one: by a second version of a plugin, or after a first that failed.

use std::sync::Arc;

use wasmill_model::effects::{Effects, Failure};

use super::{Call, halves};
use crate::run::{Delivery, RunContext};
use crate::scope::ScopeState;

impl Call {
    /// The same call over the same state, of which nothing ever leaves: what another version of the
    /// plugin would do. To be taken before this one's handler is called.
    #[must_use]
    pub fn twin(&self) -> Box<Self> {
        let context = RunContext {
            preparer: Some(Arc::new(halves::Unprepared)),
            ..RunContext::clone(&self.context)
        };
        let (delivery, state) = (self.delivery.clone(), self.state.clone());
        Box::new(Self {
            context: context.into(),
            delivery,
            limits: self.limits,
            state,
            effects: Effects::default(),
            sent_count: 0,
            effect_bytes: 0,
            halves: halves::OfCall::default(),
            uniqueness: self.uniqueness,
            schema: None,
        })
    }

    /// What the call of a [twin](Call::twin) came to, which nobody commits.
    ///
    /// # Errors
    /// The failure, if it is one.
    pub fn into_result(self: Box<Self>, result: Result<(), Failure>) -> Result<Effects, Failure> {
        self.finish(result).0
    }

    /// Gives up what the call did.
    pub(crate) fn abandon(mut self: Box<Self>) -> (Delivery, Option<ScopeState>) {
        if let Some(state) = &mut self.state {
            state.roll_back();
        }
        (self.delivery, self.state)
    }
}
