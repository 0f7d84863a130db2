//! Half messages: durable when they are prepared, settled with the handler's commit.

use std::mem;

use super::TestHost;
use super::bounds;
use super::call::{Activity, Scoped};
use super::sent::Sent;
use crate::{Error, Half, HalfState, Outgoing, Transactional, Verdict};

/// A half message.
#[derive(Clone, Debug)]
pub(super) struct HalfMessage {
    pub(super) state: HalfState,
    id: String,
    message: Outgoing,
    prepared_at: u64,
    checks: u32,
}

impl Transactional for TestHost {
    fn prepare(&mut self, name: &str, message: Outgoing) -> Result<HalfState, Error> {
        let call = self.activity.handling("transaction.prepare")?;
        bounds::due(message.when, self.now)?;
        bounds::name(name)?;
        if call.ended.contains_key(name) {
            return Err(Error::Invalid(format!(
                "half message `{name}` was settled in this call: take another name"
            )));
        }
        if let Some(half) = call.scope()?.halves.get(name) {
            let state = half.state;
            if state != HalfState::Prepared {
                call.ended.insert(name.to_owned(), state);
            }
            return Ok(state);
        }
        self.check(&message)?;
        let half = HalfMessage {
            state: HalfState::Prepared,
            id: self.next_id(),
            message,
            prepared_at: self.now,
            checks: 0,
        };
        let call = self.activity.handling("transaction.prepare")?;
        call.count_send();
        let Scoped { key, scope } = call.scoped()?;
        scope.halves.insert(name.to_owned(), half.clone());
        // Whatever becomes of the handler.
        let committed = self.scopes.entry(key.clone()).or_default();
        committed.halves.insert(name.to_owned(), half);
        Ok(HalfState::Prepared)
    }

    fn commit(&mut self, name: &str) -> Result<HalfState, Error> {
        self.settle("transaction.commit", name, HalfState::Committed)
    }

    fn roll_back(&mut self, name: &str) -> Result<HalfState, Error> {
        self.settle("transaction.rollback", name, HalfState::RolledBack)
    }
}

impl TestHost {
    /// Asks the plugin's `check` about a half message that is not settled, as the host does by
    /// itself, and does as it says. None if there is no such half message.
    pub fn check_half(
        &mut self,
        check: impl FnOnce(&mut Self, &Half) -> Verdict,
        key: &str,
        name: &str,
    ) -> Option<Verdict> {
        let half = self.half_of(key, name)?;
        let before = mem::replace(&mut self.activity, Activity::Checking);
        let verdict = check(self, &half);
        self.activity = before;
        match &verdict {
            Verdict::Commit => self.decide(key, name, HalfState::Committed),
            Verdict::Rollback => self.decide(key, name, HalfState::RolledBack),
            Verdict::Unknown(_) => {
                let scope = self.scopes.get_mut(key)?;
                scope.halves.get_mut(name)?.checks += 1;
            }
        }
        Some(verdict)
    }

    fn half_of(&self, key: &str, name: &str) -> Option<Half> {
        let half = self.scopes.get(key)?.halves.get(name)?;
        if half.state != HalfState::Prepared {
            return None;
        }
        let message = half.message.clone();
        Some(Half {
            id: half.id.clone(),
            name: name.to_owned(),
            scope_key: key.to_owned(),
            prepared_at: half.prepared_at,
            checks: half.checks,
            topic: message.topic,
            key: message.key,
            tag: message.tag,
            headers: message.headers,
            body: message.body,
        })
    }

    fn decide(&mut self, key: &str, name: &str, decision: HalfState) {
        let scope = self.scopes.get_mut(key);
        let Some(half) = scope.and_then(|scope| scope.halves.get_mut(name)) else {
            return;
        };
        half.state = decision;
        let half = half.clone();
        self.deliver_half(half);
    }

    /// Shows the message of a half that is committed among those that are sent.
    pub(super) fn deliver_half(&mut self, half: HalfMessage) {
        if half.state == HalfState::Committed {
            let due = bounds::due(half.message.when, self.now).ok().flatten();
            self.sent.push(Sent::new(half.id, half.message, due));
        }
    }

    fn settle(
        &mut self,
        function: &str,
        name: &str,
        decision: HalfState,
    ) -> Result<HalfState, Error> {
        let call = self.activity.handling(function)?;
        bounds::name(name)?;
        if let Some(stands) = call.ended.get(name) {
            return Ok(*stands);
        }
        let Some(half) = call.scope()?.halves.get(name) else {
            return Err(Error::Invalid(format!(
                "there is no half message `{name}` under this key: prepare it first"
            )));
        };
        let stands = match half.state {
            HalfState::Prepared => decision,
            decided => decided,
        };
        call.ended.insert(name.to_owned(), stands);
        Ok(stands)
    }
}
