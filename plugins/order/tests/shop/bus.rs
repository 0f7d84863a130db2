//! The host of one handler call: its effects are collected, and become real all or none.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use wasmill_sdk::{
    Alarm, Delivery, Error, Files, HalfState, Host, Http, Level, Outgoing, Transactional, http,
};

use crate::provider::Provider;
use crate::routes::Routes;

/// The state of one (plugin, key).
pub(crate) type State = BTreeMap<String, Vec<u8>>;

/// What a call may see and touch.
pub(crate) struct Call<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) key: &'a str,
    pub(crate) now: u64,
    pub(crate) routes: &'a Routes,
    pub(crate) state: &'a State,
    pub(crate) provider: &'a mut Provider,
    pub(crate) files: &'a mut BTreeMap<String, Vec<u8>>,
    pub(crate) random: &'a mut u64,
    pub(crate) halves: &'a mut Halves,
    /// After how many more calls of the host the handler of a payment dies.
    pub(crate) dies_in: &'a mut Option<u32>,
    pub(crate) effects: Effects,
}

/// By plugin, key and name.
pub(crate) type Halves = BTreeMap<(String, String, String), HalfMessage>;

/// A half message.
#[derive(Clone)]
pub(crate) struct HalfMessage {
    pub(crate) message: Outgoing,
    pub(crate) state: HalfState,
    pub(crate) checks: u32,
}

/// What a call that dies panics with.
pub(crate) struct Died;

/// What a call wants to do.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) writes: State,
    pub(crate) sends: Vec<Outgoing>,
    /// By name: when and to which topic, or none to cancel.
    pub(crate) timers: BTreeMap<String, Option<(u64, String)>>,
    /// Half messages that end with the commit, and how.
    pub(crate) settled: BTreeMap<String, HalfState>,
}

impl Call<'_> {
    /// A call of the host, at which the handler may die.
    fn enter(&mut self) {
        match self.dies_in {
            Some(0) if self.plugin == "payment" => {
                *self.dies_in = None;
                // No report of it: this is no failure of the test.
                std::panic::resume_unwind(Box::new(Died));
            }
            Some(left) if self.plugin == "payment" => *left -= 1,
            _ => {}
        }
    }

    fn settle(&mut self, name: &str, wanted: HalfState) -> HalfState {
        self.enter();
        let id = (self.plugin.to_owned(), self.key.to_owned(), name.to_owned());
        let half = self
            .halves
            .get(&id)
            .expect("a half message that was prepared");
        let stands = match half.state {
            HalfState::Prepared => wanted,
            decided => decided,
        };
        *self
            .effects
            .settled
            .entry(name.to_owned())
            .or_insert(stands)
    }
}

impl Transactional for Call<'_> {
    fn prepare(&mut self, name: &str, message: Outgoing) -> Result<HalfState, Error> {
        self.enter();
        assert!(
            !self.effects.settled.contains_key(name),
            "settled in this call"
        );
        let id = (self.plugin.to_owned(), self.key.to_owned(), name.to_owned());
        let half = self.halves.entry(id).or_insert(HalfMessage {
            message,
            state: HalfState::Prepared,
            checks: 0,
        });
        let state = half.state;
        if state != HalfState::Prepared {
            self.effects.settled.insert(name.to_owned(), state);
        }
        // Durable, and the answer gets lost.
        self.enter();
        Ok(state)
    }

    fn commit(&mut self, name: &str) -> Result<HalfState, Error> {
        Ok(self.settle(name, HalfState::Committed))
    }

    fn roll_back(&mut self, name: &str) -> Result<HalfState, Error> {
        Ok(self.settle(name, HalfState::RolledBack))
    }
}

impl Host for Call<'_> {
    fn now(&self) -> u64 {
        self.now
    }

    fn config(&self, name: &str) -> Option<String> {
        self.routes.config(self.plugin, name)
    }

    fn config_all(&self) -> Vec<(String, String)> {
        panic!("the shop asks for each of its settings")
    }

    fn random_id(&mut self) -> String {
        self.enter();
        *self.random += 1;
        format!("{:032x}", *self.random)
    }

    fn log(&mut self, _level: Level, _line: impl Display) {}

    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.enter();
        Ok(self
            .effects
            .writes
            .get(name)
            .or_else(|| self.state.get(name))
            .cloned())
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.enter();
        self.effects.writes.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn send_message(&mut self, message: Outgoing) -> Result<String, Error> {
        self.enter();
        if !self.routes.declares(&message.topic) {
            return Err(Error::UnknownTopic(message.topic));
        }
        self.effects.sends.push(message);
        Ok(String::new())
    }

    fn set_timer(
        &mut self,
        name: &str,
        when: impl Into<Delivery>,
        alarm: impl Into<Alarm>,
    ) -> Result<(), Error> {
        self.enter();
        let Delivery::At(at) = when.into() else {
            panic!("the shop's timers ring at a time");
        };
        let timer = (at, alarm.into().topic);
        self.effects.timers.insert(name.to_owned(), Some(timer));
        Ok(())
    }

    fn cancel_timer(&mut self, name: &str) -> Result<bool, Error> {
        self.enter();
        self.effects.timers.insert(name.to_owned(), None);
        Ok(true)
    }

    fn delete(&mut self, _name: &str) -> Result<(), Error> {
        panic!("the shop deletes nothing")
    }

    fn scan(
        &mut self,
        _prefix: &str,
        _start_after: Option<&str>,
        _limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, Error> {
        panic!("the shop scans nothing")
    }

    fn send_messages(&mut self, _messages: Vec<Outgoing>) -> Result<Vec<String>, Error> {
        panic!("the shop sends one message after the other")
    }

    fn recall(&mut self, _id: &str) -> Result<bool, Error> {
        panic!("the shop recalls nothing")
    }

    fn reschedule_timer(&mut self, _name: &str, _when: impl Into<Delivery>) -> Result<bool, Error> {
        panic!("the shop sets timers anew")
    }

    fn claim(&mut self, _id: &str, _ttl: Duration) -> Result<bool, Error> {
        panic!("the shop's journals are for ever")
    }
}

impl Http for Call<'_> {
    fn fetch(&mut self, request: http::Request) -> Result<http::Answer, http::Error> {
        self.enter();
        let answer = self.provider.fetch(&request);
        // The provider has done it, and its answer gets lost.
        self.enter();
        answer
    }
}

impl Files for Call<'_> {
    fn write_file(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.files.insert(name.to_owned(), content.to_vec());
        Ok(())
    }

    fn read_file(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files.get(name).cloned())
    }
}
