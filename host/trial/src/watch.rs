//! Looks on at the plugin's calls of the host, answers its HTTP, and lets the host die at one of
//! its calls.
//!
//! The places where a host may die are counted through a run: before a handler or a checker is
//! called, at each call that it makes of the host, and after it returned, before what came of it is
//! durable. The same scenario passes the same places, so the number of one names it in another run.

use std::borrow::Cow;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use tokio::sync::Notify;
use wasmill_wasm::{Answering, HttpClient, Level, Probe};

use crate::scenario::Answer;

/// What was seen of one call of a handler.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// The calls of the host, in order.
    pub(crate) calls: Vec<Cow<'static, str>>,
    pub(crate) lines: Vec<(Level, String)>,
    pub(crate) requests: Vec<Exchange>,
    /// What the instance held at the end.
    pub(crate) memory_bytes: u64,
}

/// A request that the plugin made, and what it was told.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) url: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The status; none if no answer was prepared.
    pub(crate) status: Option<u16>,
}

impl Exchange {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The host died: what the call under way had done until then.
#[derive(Debug)]
pub(crate) struct Died(pub(crate) Seen);

/// Looks on.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    // Never held across an await.
    state: Mutex<State>,
    death: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// How many places were passed.
    passed: u64,
    /// The place at which the host dies.
    die_at: Option<u64>,
    dead: bool,
    /// The call under way.
    seen: Option<Seen>,
    /// Whether it is one at which the host does not die.
    aside: bool,
    /// The first that fits answers.
    answers: Vec<Answer>,
}

impl Watch {
    /// Begins with another run, in which the host dies at this place, if any.
    pub(crate) fn begin(&self, die_at: Option<u64>) {
        *self.state() = State {
            die_at,
            ..State::default()
        };
    }

    /// What answers HTTP from now on.
    pub(crate) fn answer_with(&self, answers: Vec<Answer>) {
        self.state().answers = answers;
    }

    /// A handler, or a checker, is about to be called.
    pub(crate) fn call_begins(&self) -> Result<(), Died> {
        let mut state = self.state();
        state.seen = Some(Seen::default());
        match state.pass() {
            true => Ok(()),
            false => Err(state.died()),
        }
    }

    /// It returned, or trapped.
    pub(crate) fn call_ended(&self) -> Result<Seen, Died> {
        let mut state = self.state();
        match state.pass() {
            true => Ok(state.seen.take().unwrap_or_default()),
            false => Err(state.died()),
        }
    }

    /// The plugin is about to be called with what is no message: nothing in it is a place.
    pub(crate) fn aside_begins(&self) {
        let mut state = self.state();
        state.seen = Some(Seen::default());
        state.aside = true;
    }

    /// It returned, or trapped.
    pub(crate) fn aside_ended(&self) -> Seen {
        let mut state = self.state();
        state.aside = false;
        state.seen.take().unwrap_or_default()
    }

    /// Done when the host dies.
    pub(crate) async fn death(&self) -> Died {
        loop {
            let notified = self.death.notified();
            if let Some(died) = self.state().take_death() {
                return died;
            }
            notified.await;
        }
    }

    /// The host was started again.
    pub(crate) fn revive(&self) {
        self.state().dead = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Passes a place; false if the host dies there, or died.
    fn pass(&mut self) -> bool {
        if !self.dead && !self.aside {
            self.dead = self.die_at == Some(self.passed);
            self.passed += 1;
        }
        !self.dead
    }

    /// The host's death, if it died.
    fn take_death(&mut self) -> Option<Died> {
        self.dead.then(|| self.died())
    }

    fn died(&mut self) -> Died {
        Died(self.seen.take().unwrap_or_default())
    }

    /// A call of the host; false if the host dies before it is done. Calls outside of a call of the
    /// plugin, as while an instance starts, are no places.
    fn call(&mut self, name: Cow<'static, str>) -> bool {
        if self.seen.is_none() {
            return !self.dead;
        }
        let alive = self.pass();
        if alive && let Some(seen) = &mut self.seen {
            seen.calls.push(name);
        }
        alive
    }
}

impl Probe for Watch {
    fn host_call(&self, function: &'static str) -> Result<(), String> {
        match self.state().call(function.into()) {
            true => Ok(()),
            false => Err("the host died".to_owned()),
        }
    }

    fn line(&self, level: Level, line: &str) {
        let mut state = self.state();
        if !state.dead
            && let Some(seen) = &mut state.seen
        {
            seen.lines.push((level, line.to_owned()));
        }
    }

    fn handled(&self, memory_bytes: usize) {
        if let Some(seen) = &mut self.state().seen {
            seen.memory_bytes = memory_bytes as u64;
        }
    }
}

/// Answers what is prepared.
pub(crate) struct Prepared(pub(crate) Arc<Watch>);

impl HttpClient for Prepared {
    fn send(&self, request: Request<Bytes>) -> Answering {
        let (method, url) = (request.method().to_string(), request.uri().to_string());
        let mut state = self.0.state();
        if !state.call(format!("HTTP {method} {url}").into()) {
            // The guest waits for an answer that does not come: the host is no more.
            self.0.death.notify_waiters();
            self.0.death.notify_one();
            return Box::pin(pending());
        }
        let found = state.answers.iter().find(|it| it.answers(&method, &url));
        let found = found.cloned();
        let (parts, body) = request.into_parts();
        let text = |it: &http::HeaderValue| String::from_utf8_lossy(it.as_bytes()).into_owned();
        let headers = parts.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value)));
        if let Some(seen) = &mut state.seen {
            seen.requests.push(Exchange {
                method,
                url,
                headers: headers.collect(),
                body,
                status: found.as_ref().map(|it| it.status.as_u16()),
            });
        }
        Box::pin(async move {
            let answer = found.ok_or("no answer is prepared in the scenario: add one to `http`")?;
            let mut response = Response::new(answer.body);
            *response.status_mut() = answer.status;
            response.headers_mut().extend(answer.headers);
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_dies_at_the_place_asked_for_and_nothing_is_done_there() {
        let watch = Watch::default();
        watch.begin(Some(2));
        watch.host_call("config.get").expect("before all calls");
        watch.call_begins().expect("place 0");
        watch.host_call("state.get").expect("place 1");
        watch.host_call("state.put").expect_err("place 2");
        watch.host_call("queue.send").expect_err("it is dead");
        watch.line(Level::Info, "from beyond");
        let Err(Died(seen)) = watch.call_ended() else {
            panic!("it lives")
        };
        assert_eq!(
            (seen.calls, seen.lines.len()),
            (vec!["state.get".into()], 0)
        );
        watch.revive();
        watch.call_begins().expect("it dies once");
    }
}
