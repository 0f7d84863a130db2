//! The host of one handler call: its effects are collected, and become real all or none.

use std::collections::BTreeMap;

use wasmill_plugin_kit::{Error, Files, Host, Http, HttpAnswer, HttpRequest, Level, Outgoing};

use crate::provider::Provider;
use crate::routes::Routes;

/// The state of one (plugin, key).
pub(crate) type State = BTreeMap<String, Vec<u8>>;

/// What a call may see and touch.
pub(crate) struct Call<'a> {
    pub(crate) plugin: &'a str,
    pub(crate) now: u64,
    pub(crate) routes: &'a Routes,
    pub(crate) state: &'a State,
    pub(crate) provider: &'a mut Provider,
    pub(crate) files: &'a mut BTreeMap<String, Vec<u8>>,
    pub(crate) random: &'a mut u64,
    pub(crate) effects: Effects,
}

/// What a call wants to do.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) writes: State,
    pub(crate) sends: Vec<Outgoing>,
    /// By name: when and to which topic, or none to cancel.
    pub(crate) timers: BTreeMap<String, Option<(u64, String)>>,
}

impl Host for Call<'_> {
    fn now(&self) -> u64 {
        self.now
    }

    fn config(&self, name: &str) -> Option<String> {
        self.routes.config(self.plugin, name)
    }

    fn random_id(&mut self) -> String {
        *self.random += 1;
        format!("{:032x}", *self.random)
    }

    fn log(&mut self, _level: Level, _line: &str) {}

    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(self
            .effects
            .writes
            .get(name)
            .or_else(|| self.state.get(name))
            .cloned())
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.effects.writes.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    fn send_message(&mut self, message: Outgoing) -> Result<(), Error> {
        if !self.routes.declares(&message.topic) {
            return Err(Error::UnknownTopic(message.topic));
        }
        self.effects.sends.push(message);
        Ok(())
    }

    fn set_timer(&mut self, name: &str, at: u64, topic: &str) -> Result<(), Error> {
        self.effects
            .timers
            .insert(name.to_owned(), Some((at, topic.to_owned())));
        Ok(())
    }

    fn cancel_timer(&mut self, name: &str) -> Result<(), Error> {
        self.effects.timers.insert(name.to_owned(), None);
        Ok(())
    }
}

impl Http for Call<'_> {
    fn fetch(&mut self, request: HttpRequest<'_>) -> Result<HttpAnswer, String> {
        self.provider.fetch(&request)
    }
}

impl Files for Call<'_> {
    fn write_file(&mut self, name: &str, content: &[u8]) -> Result<(), String> {
        self.files.insert(name.to_owned(), content.to_vec());
        Ok(())
    }
}
