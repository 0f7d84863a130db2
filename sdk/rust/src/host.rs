//! The host as a plugin sees it: in the sandbox the contract's imports, in native tests a
//! `TestHost`. So a handler is written once, and tested without a sandbox.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Alarm, Delivery, Error, Failure, HalfState, Level, Outgoing, retry};

/// What every plugin may use.
///
/// State, timers, dedup claims and recalls belong to the key of the message being handled, and are
/// refused with [`Error::NoKey`] without one. They, and what is sent, are committed together with
/// the message's acknowledgement when the handler returns `Ok`, and never happened if it does not.
///
/// Functions that take or return values of the plugin's own types are made of the others: who
/// implements this trait, for tests of another kind, leaves them as they are.
pub trait Host {
    /// Milliseconds since the Unix epoch.
    fn now(&self) -> u64;

    /// An id that nobody else has: 32 hexadecimal digits. A handler that is run again gets another
    /// one.
    fn random_id(&mut self) -> String;

    /// The operator's setting of this name, as text.
    fn config(&self, name: &str) -> Option<String>;

    /// All of the operator's settings, by name.
    fn config_all(&self) -> Vec<(String, String)>;

    /// Writes a line in the host's log, cut at 8 KiB. It stays there if the handler fails.
    fn log(&mut self, level: Level, line: impl Display);

    /// Reads an entry of the key's state, with this handler's own writes.
    ///
    /// # Errors
    /// The host's refusal.
    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error>;

    /// Writes an entry of the key's state: a name of 1 to 256 bytes, a value of at most 1 MiB.
    ///
    /// # Errors
    /// The host's refusal.
    fn put(&mut self, name: &str, value: &[u8]) -> Result<(), Error>;

    /// Deletes an entry of the key's state; nothing happens if it is absent.
    ///
    /// # Errors
    /// The host's refusal.
    fn delete(&mut self, name: &str) -> Result<(), Error>;

    /// Entries whose names begin with `prefix`, in byte order, beginning after `start_after` if
    /// given; at most `limit` of them, and no more than 1,000, or 1 MiB of values: go on after the
    /// last one for the rest.
    ///
    /// # Errors
    /// The host's refusal.
    fn scan(
        &mut self,
        prefix: &str,
        start_after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, Error>;

    /// Sends a message; returns the id that it will carry.
    ///
    /// # Errors
    /// The host's refusal.
    fn send_message(&mut self, message: Outgoing) -> Result<String, Error>;

    /// Sends all of the messages, or none of them; returns their ids, in order.
    ///
    /// # Errors
    /// The host's refusal of the first that it does not take.
    fn send_messages(&mut self, messages: Vec<Outgoing>) -> Result<Vec<String>, Error>;

    /// Recalls a delayed message that a handler of this plugin sent under this key. True if it was
    /// still undelivered and now never will be.
    ///
    /// # Errors
    /// The host's refusal.
    fn recall(&mut self, id: &str) -> Result<bool, Error>;

    /// Sets the key's timer `name`, in place of a pending one: a message to this plugin under the
    /// same key. A subscription of this plugin must match its topic.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wasmill_sdk::{Delivery, Failure, Host};
    /// # fn f(host: &mut impl Host) -> Result<(), Failure> {
    /// host.set_timer("reminder", Duration::from_secs(3_600), "cart.reminder")?;
    /// host.set_timer("closing", Delivery::At(1_900_000_000_000), "cart.closing")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The host's refusal.
    fn set_timer(
        &mut self,
        name: &str,
        when: impl Into<Delivery>,
        alarm: impl Into<Alarm>,
    ) -> Result<(), Error>;

    /// Cancels the key's timer `name`. True if it was pending; it is, until its message is handled.
    ///
    /// # Errors
    /// The host's refusal.
    fn cancel_timer(&mut self, name: &str) -> Result<bool, Error>;

    /// Moves the key's timer `name` to another time. False, and nothing done, if none is pending.
    ///
    /// # Errors
    /// The host's refusal.
    fn reschedule_timer(&mut self, name: &str, when: impl Into<Delivery>) -> Result<bool, Error>;

    /// Claims `id` under the key for `ttl`, in milliseconds, the last of them begun. True for the first claim; false
    /// while an earlier one is in force. A handler that fails gives its claims back.
    ///
    /// # Errors
    /// The host's refusal.
    fn claim(&mut self, id: &str, ttl: Duration) -> Result<bool, Error>;

    /// The operator's setting of this name as a `T`, or `default` if there is none.
    ///
    /// ```
    /// # use wasmill_sdk::{Failure, Host};
    /// # fn f(host: &impl Host) -> Result<(), Failure> {
    /// let gold: u64 = host.setting("gold", 200_000)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A failure to retry if it is no `T`: the message is right, and the operator may still correct
    /// the setting.
    fn setting<T: FromStr<Err: Display>>(&self, name: &str, default: T) -> Result<T, Failure> {
        let Some(text) = self.config(name) else {
            return Ok(default);
        };
        text.parse()
            .map_err(|error| retry(format!("config `{name}` = `{text}`: {error}")))
    }

    /// Reads an entry of the key's state that [`Host::save`] wrote.
    ///
    /// # Errors
    /// The host's refusal, or a failure to retry if the value is no `T`: another version of the
    /// plugin may read it.
    fn load<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Failure> {
        let value = self.get(name)?;
        value.map(|value| read_entry(name, &value)).transpose()
    }

    /// Reads all entries of the key's state whose names begin with `prefix`, by name.
    ///
    /// # Errors
    /// As [`Host::load`].
    fn load_all<T: DeserializeOwned>(&mut self, prefix: &str) -> Result<Vec<(String, T)>, Failure> {
        let mut found: Vec<(String, T)> = Vec::new();
        loop {
            let last = found.last().map(|(name, _)| name.as_str());
            let page = self.scan(prefix, last, u32::MAX)?;
            if page.is_empty() {
                return Ok(found);
            }
            for (name, value) in page {
                let value = read_entry(&name, &value)?;
                found.push((name, value));
            }
        }
    }

    /// Writes an entry of the key's state, as JSON: an operator can read it, and a later version of
    /// the plugin can add to it.
    ///
    /// # Errors
    /// The host's refusal, or a failure to retry if `value` has no representation in JSON.
    fn save<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Failure> {
        Ok(self.put(name, &serde_json::to_vec(value)?)?)
    }

    /// Sends `body` as JSON to `topic` under `key`. For a message without a key, with headers, or
    /// for later, see [`Host::send_message`].
    ///
    /// # Errors
    /// The host's refusal, or a failure to retry if `body` has no representation in JSON.
    fn send<T: Serialize + ?Sized>(
        &mut self,
        topic: &str,
        key: &str,
        body: &T,
    ) -> Result<(), Failure> {
        self.send_message(Outgoing::json(topic, body)?.with_key(key))?;
        Ok(())
    }
}

fn read_entry<T: DeserializeOwned>(name: &str, value: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(value)
        .map_err(|error| retry(format!("state `{name}` cannot be read: {error}")))
}

/// A host that keeps half messages, for handlers that act in the outside world: what is prepared is
/// durable at once, whatever becomes of the handler. One that stays unsettled is asked about with
/// the plugin's `check`. The first decision stands.
pub trait Transactional: Host {
    /// Prepares the key's half message `name`. If there is one already, from an earlier attempt or
    /// an earlier message, its state is told and `message` is ignored.
    ///
    /// # Errors
    /// The host's refusal.
    fn prepare(&mut self, name: &str, message: Outgoing) -> Result<HalfState, Error>;

    /// Commits it with the handler's commit; returns the state that stands.
    ///
    /// # Errors
    /// The host's refusal.
    fn commit(&mut self, name: &str) -> Result<HalfState, Error>;

    /// Rolls it back with the handler's commit; returns the state that stands.
    ///
    /// # Errors
    /// The host's refusal.
    fn roll_back(&mut self, name: &str) -> Result<HalfState, Error>;
}
