//! Calling a plugin's functions as the host does.

use std::mem;
use std::time::Duration;

use super::TestHost;
use super::call::{Activity, Call, Scoped};
use crate::message::milliseconds;
use crate::{Accepted, Failure, HalfState, Message, Problem, Request, Response, retry};

/// Timers that ring in one [`TestHost::elapse`], at most: one that sets itself to now is a loop.
const RINGS_MAX: usize = 10_000;

impl TestHost {
    /// Delivers a message to `handle`, and commits what it did if it returns `Ok`. `key` may be
    /// `None`. The subscription is called like the topic.
    ///
    /// # Errors
    /// What `handle` returns.
    pub fn deliver<'a>(
        &mut self,
        handle: impl FnOnce(&mut Self, &Message) -> Result<(), Failure>,
        topic: &str,
        key: impl Into<Option<&'a str>>,
        body: impl Into<Vec<u8>>,
    ) -> Result<(), Failure> {
        let message = self.message(topic, key, body);
        self.handle(handle, &message)
    }

    /// A message as [`TestHost::deliver`] makes it, to change its other parts, or to deliver it
    /// twice.
    pub fn message<'a>(
        &mut self,
        topic: &str,
        key: impl Into<Option<&'a str>>,
        body: impl Into<Vec<u8>>,
    ) -> Message {
        let id = self.next_id();
        Message {
            topic: topic.to_owned(),
            subscription: topic.to_owned(),
            key: key.into().map(str::to_owned),
            tag: None,
            headers: Vec::new(),
            body: body.into(),
            produced_at: self.now,
            attempt: 1,
            correlation: id.clone(),
            causation: None,
            id,
        }
    }

    /// As [`TestHost::deliver`], for any message.
    ///
    /// # Errors
    /// What `handle` returns.
    pub fn handle(
        &mut self,
        handle: impl FnOnce(&mut Self, &Message) -> Result<(), Failure>,
        message: &Message,
    ) -> Result<(), Failure> {
        self.run(handle, message, None)
    }

    /// Lets time pass. Timers that fall due meanwhile ring, each at its time, and their messages
    /// are delivered to `handle`.
    ///
    /// # Errors
    /// What `handle` returns: the time is then that of the timer, which stays pending. Also a
    /// failure if more than 10,000 timers ring.
    pub fn elapse(
        &mut self,
        mut handle: impl FnMut(&mut Self, &Message) -> Result<(), Failure>,
        span: Duration,
    ) -> Result<(), Failure> {
        let until = self.now.saturating_add(milliseconds(span));
        for _ in 0..RINGS_MAX {
            let Some((key, name)) = self.first_timer(until) else {
                self.now = until;
                return Ok(());
            };
            self.ring(&mut handle, &key, &name)?;
        }
        Err(retry(format!(
            "{RINGS_MAX} timers rang by {until}: does one set itself to now?"
        )))
    }

    /// Asks `admit` about a request. What it is let in as is not delivered.
    ///
    /// # Errors
    /// What `admit` returns.
    pub fn admit(
        &mut self,
        admit: impl FnOnce(&mut Self, &Request) -> Result<Accepted, Problem>,
        request: &Request,
    ) -> Result<Accepted, Problem> {
        self.activity = Activity::Admitting;
        let admitted = admit(self, request);
        self.activity = Activity::Idle;
        admitted
    }

    /// Asks `answer` about the committed state of a key.
    pub fn answer(
        &mut self,
        answer: impl FnOnce(&mut Self, &str, &Request) -> Response,
        key: &str,
        request: &Request,
    ) -> Response {
        self.activity = Activity::Answering(self.scope(key).clone());
        let response = answer(self, key, request);
        self.activity = Activity::Idle;
        response
    }

    /// Has `migrate` bring the state of a key up to date from the version `from` of its schema, and
    /// commits what it wrote if it returns `Ok`.
    ///
    /// # Errors
    /// What `migrate` returns.
    pub fn migrate(
        &mut self,
        migrate: impl FnOnce(&mut Self, u32) -> Result<(), Failure>,
        key: &str,
        from: u32,
    ) -> Result<(), Failure> {
        let scope = self.scope(key).clone();
        let key = key.to_owned();
        self.activity = Activity::Migrating(Call::new(Some(Scoped { key, scope })));
        let migrated = migrate(self, from);
        let activity = mem::take(&mut self.activity);
        migrated?;
        if let Activity::Migrating(Call {
            scope: Some(it), ..
        }) = activity
        {
            self.scopes.insert(it.key, it.scope);
        }
        Ok(())
    }

    /// The key and name of the timer that is due first.
    fn first_timer(&self, until: u64) -> Option<(String, String)> {
        let scopes = self.scopes.iter();
        let timers = scopes.flat_map(|(key, scope)| {
            let timers = scope.timers.iter();
            timers.map(move |(name, timer)| (timer.due, key, name))
        });
        let due = timers.filter(|(due, ..)| *due <= until);
        due.min().map(|(_, key, name)| (key.clone(), name.clone()))
    }

    fn ring(
        &mut self,
        handle: impl FnOnce(&mut Self, &Message) -> Result<(), Failure>,
        key: &str,
        name: &str,
    ) -> Result<(), Failure> {
        let Some(timer) = self.scope(key).timer(name).cloned() else {
            return Ok(());
        };
        self.now = self.now.max(timer.due);
        let message = Message {
            tag: timer.alarm.tag,
            headers: timer.alarm.headers,
            produced_at: timer.due,
            id: timer.id,
            ..self.message(&timer.alarm.topic, key, timer.alarm.body)
        };
        self.run(handle, &message, Some(name))
    }

    /// Calls the handler with a message, which may be a timer of its key.
    fn run(
        &mut self,
        handle: impl FnOnce(&mut Self, &Message) -> Result<(), Failure>,
        message: &Message,
        timer: Option<&str>,
    ) -> Result<(), Failure> {
        let scope = message.key.as_ref().map(|key| Scoped {
            key: key.clone(),
            scope: self.scope(key).clone(),
        });
        self.activity = Activity::Handling(Call::new(scope));
        let handled = handle(self, message);
        let activity = mem::take(&mut self.activity);
        handled?;
        if let Activity::Handling(call) = activity {
            self.commit_call(call, message, timer);
        }
        Ok(())
    }

    fn commit_call(&mut self, call: Call, message: &Message, timer: Option<&str>) {
        let Call {
            scope,
            sent,
            recalled,
            ended,
            ..
        } = call;
        self.sent.retain(|sent| !recalled.contains(&sent.id));
        self.sent.extend(sent);
        let Some(Scoped { key, mut scope }) = scope else {
            return;
        };
        for (name, decision) in ended {
            let half = scope.halves.remove(&name);
            // What a check-back decided was delivered then.
            if let Some(mut half) = half
                && half.state == HalfState::Prepared
            {
                half.state = decision;
                self.deliver_half(half);
            }
        }
        // Unless the handler set it anew.
        if let Some(name) = timer
            && scope
                .timer(name)
                .is_some_and(|timer| timer.id == message.id)
        {
            scope.timers.remove(name);
        }
        self.scopes.insert(key, scope);
    }
}
