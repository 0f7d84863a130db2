//! Timers of a key: set, cancelled and moved in the handler's commit.
//!
//! A timer's entry in the key's state names the message that is pending for it. Whoever handles
//! that message removes the entry; a message whose entry names another one, or is gone, was
//! cancelled after it fell due and is not handled.

use std::sync::Arc;

use bytes::Bytes;
use wasmill_model::effects::{Delayed, Scope};
use wasmill_model::limits::{MessageLimits, within};
use wasmill_model::routes::Subscription;
use wasmill_model::{Message, MessageId, Name, When, reserved};

use super::{Call, CallError, names};

/// What a timer delivers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// A topic that the plugin subscribes to.
    pub topic: Name,
    /// The tag.
    pub tag: Option<Name>,
    /// The headers.
    pub headers: Vec<(Name, Name)>,
    /// The body.
    pub body: Bytes,
}

impl Call {
    /// Sets the timer `name`, in place of one that is pending.
    ///
    /// # Errors
    /// [`CallError`] without a key, over a limit, or if no subscription of this plugin matches.
    pub fn set_timer(&mut self, name: &str, when: When, alarm: Alarm) -> Result<(), CallError> {
        names::check(name)?;
        let scope = self.scope()?;
        let limits = self.check_subscribed(&alarm, &scope)?;
        names::check_message(
            &limits,
            None,
            alarm.tag.as_ref(),
            &alarm.headers,
            &alarm.body,
        )?;
        within(
            "sends per call",
            self.sent_count as usize + 1,
            self.limits.sends_max,
        )?;
        self.account(alarm.body.len() + name.len())?;

        let entry = reserved::timer(name);
        self.forget_timer(&entry)?;
        // A timer that is already due still goes through the timer index: one path for all.
        let due = self.due(when).unwrap_or_else(|| self.now());
        let Alarm {
            topic,
            tag,
            headers,
            body,
        } = alarm;
        let key = Some(scope.key.clone());
        let message = self.message(topic, key, tag, headers, body, Some(due), Some(name.into()));
        self.delay(
            Delayed {
                due,
                message,
                scope: Some(scope),
            },
            entry,
        );
        Ok(())
    }

    /// Cancels the timer `name`: true if it was pending.
    ///
    /// # Errors
    /// [`CallError`] without a key, or for a malformed name.
    pub fn cancel_timer(&mut self, name: &str) -> Result<bool, CallError> {
        names::check(name)?;
        self.forget_timer(&reserved::timer(name))
    }

    /// Moves the pending timer `name` to another time: false, and nothing done, if none is.
    ///
    /// # Errors
    /// [`CallError`] without a key, for a malformed name, or over a limit.
    pub fn reschedule_timer(&mut self, name: &str, when: When) -> Result<bool, CallError> {
        names::check(name)?;
        let entry = reserved::timer(name);
        within(
            "sends per call",
            self.sent_count as usize + 1,
            self.limits.sends_max,
        )?;
        let Some(Delayed { message, scope, .. }) = self.take_timer(&entry)? else {
            return Ok(false);
        };
        let due = self.due(when).unwrap_or_else(|| self.now());
        let Message {
            topic,
            key,
            tag,
            headers,
            body,
            timer,
            ..
        } = Arc::unwrap_or_clone(message);
        let message = self.message(topic, key, tag, headers, body, Some(due), timer);
        self.delay(
            Delayed {
                due,
                message,
                scope,
            },
            entry,
        );
        Ok(true)
    }

    /// Puts a delayed message into the effects, and its entry into the key's state.
    pub(super) fn delay(&mut self, delayed: Delayed, entry: Name) {
        if let Some(state) = &mut self.state {
            state.set(entry, Some(encode(&delayed)));
        }
        self.effects.delayed.push(delayed);
    }

    /// Cancels whatever is pending under `entry`: true if something was.
    pub(super) fn forget_timer(&mut self, entry: &Name) -> Result<bool, CallError> {
        Ok(self.take_timer(entry)?.is_some())
    }

    /// Takes what is pending under `entry` out of the index and the key's state.
    fn take_timer(&mut self, entry: &Name) -> Result<Option<Delayed>, CallError> {
        let Some(delayed) = self.pending(entry)? else {
            return Ok(None);
        };
        let pending = delayed.reference();
        self.state_mut()?.set(entry.clone(), None);
        let own = self.effects.delayed.len();
        self.effects
            .delayed
            .retain(|delayed| delayed.reference() != pending);
        if self.effects.delayed.len() == own {
            self.effects.cancelled.push(pending);
        }
        Ok(Some(delayed))
    }

    /// Whether the timer that the message is was neither cancelled nor moved after it fell due. One
    /// that was redriven can be neither.
    pub(super) fn is_own_timer_wanted(&self) -> Result<bool, CallError> {
        let Some((entry, id)) = self.own_timer() else {
            return Ok(true);
        };
        let pending = self.pending(&entry)?;
        Ok(pending.is_some_and(|pending| pending.message.id == id))
    }

    /// Removes the entry of the timer that this call handled, unless the handler set it anew.
    ///
    /// # Errors
    /// [`CallError`] if the entry cannot be read.
    pub(super) fn consume_own_timer(&mut self) -> Result<(), CallError> {
        let Some((entry, id)) = self.own_timer() else {
            return Ok(());
        };
        let is_own = self.pending(&entry)?.is_some_and(|it| it.message.id == id);
        if is_own && let Some(state) = &mut self.state {
            state.set(entry, None);
        }
        Ok(())
    }

    /// The entry and id of the timer being handled; none for other messages.
    fn own_timer(&self) -> Option<(Name, MessageId)> {
        let message = &self.delivery.message;
        let name = message.pending_timer()?;
        Some((reserved::timer(name), message.id))
    }

    fn pending(&self, entry: &Name) -> Result<Option<Delayed>, CallError> {
        let state = self.state.as_ref().ok_or(CallError::NoKey)?;
        state.get(entry)?.map(|value| decode(&value)).transpose()
    }

    /// The limits of the topic of a timer that reaches somebody of this scope.
    fn check_subscribed(&self, alarm: &Alarm, scope: &Scope) -> Result<MessageLimits, CallError> {
        let Alarm { topic, tag, .. } = alarm;
        let routes = &self.context.routes;
        let Some(declared) = routes.topic(topic) else {
            return Err(CallError::UnknownTopic(topic.to_string()));
        };
        let mut own = routes
            .subscriptions()
            .filter(|sub| sub.is_of(&scope.plugin));
        let gets = |sub: &Arc<Subscription>| {
            sub.topic.matches(topic) && sub.has_tag(tag.as_ref()) && sub.keeps_scope(&scope.key)
        };
        if own.any(gets) {
            return Ok(declared.limits);
        }
        let tagged = match tag {
            Some(tag) => format!("with the tag `{tag}`"),
            None => "without a tag".to_owned(),
        };
        Err(CallError::Invalid(format!(
            "no subscription of plugin `{}` gets topic `{topic}` {tagged} under the key `{}`, so \
             its timer would reach nobody: add one to the routes",
            scope.plugin, scope.key
        )))
    }
}

fn encode(delayed: &Delayed) -> Bytes {
    postcard::to_stdvec(delayed)
        .expect("a delayed message serialises")
        .into()
}

fn decode(value: &[u8]) -> Result<Delayed, CallError> {
    postcard::from_bytes(value).map_err(|_| names::damaged("timer"))
}
