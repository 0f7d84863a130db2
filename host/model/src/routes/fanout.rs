//! Fan-out: from a message to the subscriptions that get it, and their keys.

use std::sync::Arc;

use super::{Order, Routes, Subscription};
use crate::effects::Send;
use crate::{Message, Name, Target};

impl Routes {
    /// Finds the targets of `message` among all plugins' subscriptions.
    #[must_use]
    pub fn fan_out(&self, message: Arc<Message>) -> Send {
        self.fan_out_where(message, |_| true)
    }

    /// Finds the targets of a timer's `message`: subscriptions with the state of `owner`, under its
    /// own key.
    #[must_use]
    pub fn fan_out_to(&self, owner: &str, message: Arc<Message>) -> Send {
        let key = message.key.clone();
        self.fan_out_where(message, |sub| {
            sub.is_of(owner) && key.as_ref().is_some_and(|key| sub.keeps_scope(key))
        })
    }

    fn fan_out_where(&self, message: Arc<Message>, wanted: impl Fn(&Subscription) -> bool) -> Send {
        let (mut targets, mut unroutable) = (Vec::new(), Vec::new());
        let topic = self.each_subscriber(&message.topic, |sub| {
            if !wanted(sub) || !sub.accepts(&message) {
                return;
            }
            match sub.target(&message) {
                Ok(target) => targets.push(target),
                Err(cause) => unroutable.push((sub.name.clone(), cause)),
            }
        });
        Send {
            topic,
            message,
            targets,
            unroutable,
        }
    }
}

impl Subscription {
    /// This subscription as the message's target, with the key that it has here.
    ///
    /// # Errors
    /// Why the message has no key here.
    pub fn target(&self, message: &Message) -> Result<Target, String> {
        Ok(Target {
            subscription: self.name.clone(),
            key: key_in(self, message)?,
        })
    }
}

/// The key under which `sub` handles the message. A timer keeps its own: its scope is its key.
fn key_in(sub: &Subscription, message: &Message) -> Result<Option<Name>, String> {
    match (sub.order, &sub.key) {
        (Order::None, _) => Ok(None),
        (Order::Global, _) => Ok(Some(sub.name.clone())),
        (Order::Key, Some(source)) if message.timer.is_none() => source
            .of(message)
            .map(Some)
            .map_err(|error| error.to_string()),
        (Order::Key, _) => Ok(message.key.clone()),
    }
}
