//! What a plugin calls, with the contract's errors.

use std::fmt::Display;
use std::time::Duration;

use super::TestHost;
use super::bounds::{self, within};
use super::call::Activity;
use super::scope::Timer;
use super::sent::Sent;
use crate::limits::{LOG_LINE_BYTES_MAX, STATE_VALUE_BYTES_MAX};
use crate::message::milliseconds;
use crate::{Alarm, Delivery, Error, Host, Level, Outgoing};

impl Host for TestHost {
    fn now(&self) -> u64 {
        self.now
    }

    fn random_id(&mut self) -> String {
        self.next_id()
    }

    fn config(&self, name: &str) -> Option<String> {
        self.config.get(name).cloned()
    }

    fn config_all(&self) -> Vec<(String, String)> {
        let settings = self.config.iter();
        let pairs = settings.map(|(name, value)| (name.clone(), value.clone()));
        pairs.collect()
    }

    fn log(&mut self, level: Level, line: impl Display) {
        let mut line = line.to_string();
        line.truncate(line.floor_char_boundary(LOG_LINE_BYTES_MAX));
        self.log.push((level, line));
    }

    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let scope = self.activity.reading("state.get")?;
        bounds::name(name)?;
        Ok(scope.entries.get(name).cloned())
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        let call = self.activity.writing("state.put")?;
        bounds::name(name)?;
        within("state value bytes", value.len(), STATE_VALUE_BYTES_MAX)?;
        call.account(name.len() + value.len())?;
        let scope = call.scope()?;
        scope.entries.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Result<(), Error> {
        let call = self.activity.writing("state.delete")?;
        bounds::name(name)?;
        call.account(name.len())?;
        call.scope()?.entries.remove(name);
        Ok(())
    }

    fn scan(
        &mut self,
        prefix: &str,
        start_after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let scope = self.activity.reading("state.scan")?;
        Ok(scope.scan(prefix, start_after, limit))
    }

    fn send_message(&mut self, message: Outgoing) -> Result<String, Error> {
        self.send_in("queue.send", message)
    }

    fn send_messages(&mut self, messages: Vec<Outgoing>) -> Result<Vec<String>, Error> {
        let before = self.activity.handling("queue.send-many")?.mark();
        let each = messages.into_iter();
        let sent: Result<_, _> = each.map(|it| self.send_in("queue.send-many", it)).collect();
        if sent.is_err() {
            let call = self.activity.handling("queue.send-many")?;
            call.take_back(before);
        }
        sent
    }

    fn recall(&mut self, id: &str) -> Result<bool, Error> {
        let now = self.now;
        let call = self.activity.handling("queue.recall")?;
        if id.len() != 32 || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let text = format!("a message id has 32 hexadecimal digits, this one is {id:?}");
            return Err(Error::Invalid(text));
        }
        let key = call.scoped()?.key.clone();
        let is_pending = |sent: &Sent| {
            sent.id == id && sent.scope_key.as_ref() == Some(&key) && sent.due > Some(now)
        };
        if call.sent.iter().any(is_pending) {
            call.sent.retain(|sent| sent.id != id);
            return Ok(true);
        }
        Ok(self.sent.iter().any(is_pending) && call.recalled.insert(id.to_owned()))
    }

    fn set_timer(
        &mut self,
        name: &str,
        when: impl Into<Delivery>,
        alarm: impl Into<Alarm>,
    ) -> Result<(), Error> {
        let (now, alarm) = (self.now, alarm.into());
        let call = self.activity.handling("timer.set")?;
        let due = bounds::due(when.into(), now)?.unwrap_or(now);
        bounds::name(name)?;
        call.scope()?;
        self.check_topic(&alarm.topic)?;
        bounds::message(None, alarm.tag.as_deref(), &alarm.headers, &alarm.body)?;
        let id = self.next_id();
        let call = self.activity.handling("timer.set")?;
        call.may_send()?;
        call.account(alarm.body.len() + name.len())?;
        call.count_send();
        let timer = Timer { due, alarm, id };
        call.scope()?.timers.insert(name.to_owned(), timer);
        Ok(())
    }

    fn cancel_timer(&mut self, name: &str) -> Result<bool, Error> {
        let call = self.activity.handling("timer.cancel")?;
        bounds::name(name)?;
        Ok(call.scope()?.timers.remove(name).is_some())
    }

    fn reschedule_timer(&mut self, name: &str, when: impl Into<Delivery>) -> Result<bool, Error> {
        let (now, id) = (self.now, self.next_id());
        let call = self.activity.handling("timer.reschedule")?;
        let due = bounds::due(when.into(), now)?.unwrap_or(now);
        bounds::name(name)?;
        call.may_send()?;
        let Some(timer) = call.scope()?.timers.get_mut(name) else {
            return Ok(false);
        };
        timer.due = due;
        timer.id = id;
        call.count_send();
        Ok(true)
    }

    fn claim(&mut self, id: &str, ttl: Duration) -> Result<bool, Error> {
        let now = self.now;
        let call = self.activity.handling("dedup.claim")?;
        bounds::name(id)?;
        call.account(id.len())?;
        let claims = &mut call.scope()?.claims;
        if claims.get(id).is_some_and(|until| *until > now) {
            return Ok(false);
        }
        claims.insert(id.to_owned(), now.saturating_add(milliseconds(ttl)));
        Ok(true)
    }
}

impl TestHost {
    fn send_in(&mut self, function: &str, message: Outgoing) -> Result<String, Error> {
        self.activity.handling(function)?;
        let due = bounds::due(message.when, self.now)?;
        self.check(&message)?;
        let id = self.next_id();
        let call = self.activity.handling(function)?;
        call.count_send();
        let mut sent = Sent::new(id.clone(), message, due);
        sent.scope_key = call.scope.as_ref().map(|scoped| scoped.key.clone());
        call.sent.push(sent);
        Ok(id)
    }

    /// Checks a message that the handler wants to send, and counts its bytes.
    pub(super) fn check(&mut self, message: &Outgoing) -> Result<(), Error> {
        let Outgoing {
            topic,
            key,
            tag,
            headers,
            body,
            ..
        } = message;
        self.check_topic(topic)?;
        bounds::message(key.as_deref(), tag.as_deref(), headers, body)?;
        let Activity::Handling(call) = &mut self.activity else {
            return Ok(());
        };
        call.may_send()?;
        call.account(body.len() + topic.len())
    }

    fn check_topic(&self, topic: &str) -> Result<(), Error> {
        match &self.topics {
            Some(topics) if !topics.contains(topic) => Err(Error::UnknownTopic(topic.to_owned())),
            _ => Ok(()),
        }
    }
}
