//! The host as a plugin sees it. In the sandbox it is the WIT imports, in native tests a few maps.
//!
//! What a plugin does outside its commit stands in its handler's signature: `Http`, `Files`.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::encode;
use crate::{Delivery, Error, Failure, HalfState, Level, Outgoing, reject};

/// What every plugin may use. State, sends and timers belong to the message's commit.
pub trait Host {
    /// Milliseconds since the Unix epoch.
    fn now(&self) -> u64;
    /// The operator's setting of this name.
    fn config(&self, name: &str) -> Option<String>;
    /// An id that nobody else has: 32 hexadecimal digits.
    fn random_id(&mut self) -> String;
    /// Writes a line in the host's log.
    fn log(&mut self, level: Level, line: &str);
    /// Reads an entry of the key's state.
    ///
    /// # Errors
    /// The host's refusal.
    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error>;
    /// Writes an entry of the key's state.
    ///
    /// # Errors
    /// The host's refusal.
    fn put(&mut self, name: &str, value: &[u8]) -> Result<(), Error>;
    /// Sends a message with the handler's commit.
    ///
    /// # Errors
    /// The host's refusal.
    fn send_message(&mut self, message: Outgoing) -> Result<(), Error>;
    /// Sets the key's timer `name`, in place of a pending one, to send itself to `topic` at `at`.
    ///
    /// # Errors
    /// The host's refusal.
    fn set_timer(&mut self, name: &str, at: u64, topic: &str) -> Result<(), Error>;
    /// Cancels the key's timer `name`.
    ///
    /// # Errors
    /// The host's refusal.
    fn cancel_timer(&mut self, name: &str) -> Result<(), Error>;

    /// Reads an entry of the key's state that [`Host::save`] wrote.
    ///
    /// # Errors
    /// The host's refusal, or a value that is not a `T`.
    fn load<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let Some(bytes) = self.get(name)? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| reject(format!("state `{name}` cannot be read: {error}")))?;
        Ok(Some(value))
    }

    /// Writes an entry of the key's state, as JSON: an operator can read it, and a later version
    /// of the plugin can add to it.
    ///
    /// # Errors
    /// The host's refusal.
    fn save<T: Serialize>(&mut self, name: &str, value: &T) -> Result<(), Failure> {
        Ok(self.put(name, &encode(value))?)
    }

    /// Sends `body` as JSON to `topic` under `key`.
    ///
    /// # Errors
    /// The host's refusal.
    fn send<T: Serialize>(&mut self, topic: &str, key: &str, body: &T) -> Result<(), Failure> {
        Ok(self.send_message(Outgoing {
            topic: topic.to_owned(),
            key: Some(key.to_owned()),
            tag: None,
            headers: Vec::new(),
            body: encode(body),
            when: Delivery::Now,
        })?)
    }
}

/// A host that grants outgoing HTTP.
pub trait Http: Host {
    /// Asks and waits for the whole answer, whatever its status.
    ///
    /// # Errors
    /// Why there is no answer, in words.
    fn fetch(&mut self, request: HttpRequest<'_>) -> Result<HttpAnswer, String>;
}

/// A host that grants a directory.
pub trait Files: Host {
    /// Writes a file into the plugin's directory, whole or not at all.
    ///
    /// # Errors
    /// Why it is not there, in words.
    fn write_file(&mut self, name: &str, content: &[u8]) -> Result<(), String>;
}

/// A host that keeps half messages: what is prepared is durable at once, whatever becomes of the
/// handler.
pub trait Transactional: Host {
    /// Prepares the key's half message `name`; tells the state of one that is there already.
    ///
    /// # Errors
    /// The host's refusal.
    fn prepare(&mut self, name: &str, message: Outgoing) -> Result<HalfState, Error>;
    /// Commits it with the handler's commit.
    ///
    /// # Errors
    /// The host's refusal.
    fn commit(&mut self, name: &str) -> Result<HalfState, Error>;
    /// Rolls it back with the handler's commit.
    ///
    /// # Errors
    /// The host's refusal.
    fn roll_back(&mut self, name: &str) -> Result<HalfState, Error>;
}

/// A half message that was left unsettled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    /// The name under which it was prepared.
    pub name: String,
    /// The key of the handler that did so.
    pub scope_key: String,
    /// How often its plugin did not know.
    pub checks: u32,
}

/// What is to become of a half message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is delivered.
    Commit,
    /// It never is.
    RollBack,
    /// To be asked again; why.
    Unknown(String),
}

/// An outgoing HTTP request.
#[derive(Clone, Debug)]
pub struct HttpRequest<'a> {
    /// `http://` or `https://`, then host, port, path.
    pub url: &'a str,
    /// A JSON body to POST; none to GET.
    pub post: Option<&'a [u8]>,
    /// Lets the receiver recognise a repeated request.
    pub idempotency_key: Option<&'a str>,
    /// How long to wait for the answer to begin.
    pub timeout: Duration,
}

/// The answer to an outgoing HTTP request.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The body, cut at 1 MiB.
    pub body: Vec<u8>,
}
