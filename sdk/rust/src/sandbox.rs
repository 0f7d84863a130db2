//! The real host: the contract's imports, the clock and the randomness of the sandbox.

mod files;
#[cfg(feature = "http")]
mod http;

use std::fmt::Display;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::bindings::random::wasi::random::random;
use crate::bindings::wasmill::plugin::{
    config, dedup, log, queue, state, timer, transaction, types,
};
use crate::message::milliseconds;
use crate::{
    Alarm, Delivery, Error, Failure, HalfState, Host, Level, Outgoing, Transactional, hex,
};

/// The host that plugins run in.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox;

impl Host for Sandbox {
    fn now(&self) -> u64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        u64::try_from(since_epoch.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
    }

    fn random_id(&mut self) -> String {
        hex(&random::get_random_bytes(16))
    }

    fn config(&self, name: &str) -> Option<String> {
        config::get(name)
    }

    fn config_all(&self) -> Vec<(String, String)> {
        config::get_all()
    }

    fn log(&mut self, level: Level, line: impl Display) {
        log::write(level, &line.to_string());
    }

    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        Ok(state::get(name)?)
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        Ok(state::put(name, value)?)
    }

    fn delete(&mut self, name: &str) -> Result<(), Error> {
        Ok(state::delete(name)?)
    }

    fn scan(
        &mut self,
        prefix: &str,
        start_after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, Vec<u8>)>, Error> {
        Ok(state::scan(prefix, start_after, limit)?)
    }

    fn send_message(&mut self, message: Outgoing) -> Result<String, Error> {
        Ok(queue::send(&message)?)
    }

    fn send_messages(&mut self, messages: Vec<Outgoing>) -> Result<Vec<String>, Error> {
        Ok(queue::send_many(&messages)?)
    }

    fn recall(&mut self, id: &str) -> Result<bool, Error> {
        Ok(queue::recall(id)?)
    }

    fn set_timer(
        &mut self,
        name: &str,
        when: impl Into<Delivery>,
        alarm: impl Into<Alarm>,
    ) -> Result<(), Error> {
        Ok(timer::set(name, when.into(), &alarm.into())?)
    }

    fn cancel_timer(&mut self, name: &str) -> Result<bool, Error> {
        Ok(timer::cancel(name)?)
    }

    fn reschedule_timer(&mut self, name: &str, when: impl Into<Delivery>) -> Result<bool, Error> {
        Ok(timer::reschedule(name, when.into())?)
    }

    fn claim(&mut self, id: &str, ttl: Duration) -> Result<bool, Error> {
        Ok(dedup::claim(id, milliseconds(ttl))?)
    }
}

impl Transactional for Sandbox {
    fn prepare(&mut self, name: &str, message: Outgoing) -> Result<HalfState, Error> {
        Ok(transaction::prepare(name, &message)?)
    }

    fn commit(&mut self, name: &str) -> Result<HalfState, Error> {
        Ok(transaction::commit(name)?)
    }

    fn roll_back(&mut self, name: &str) -> Result<HalfState, Error> {
        Ok(transaction::rollback(name)?)
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::NoKey => Self::NoKey,
            types::Error::Limit(types::Exceeded {
                what,
                limit,
                actual,
            }) => Self::Limit {
                what,
                limit,
                actual,
            },
            types::Error::UnknownTopic(topic) => Self::UnknownTopic(topic),
            types::Error::Invalid(why) => Self::Invalid(why),
            types::Error::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Retry(cause) => Self::Retry(cause),
            Failure::RetryAfter { delay, cause } => Self::RetryAfter(types::RetryLater {
                delay: milliseconds(delay),
                cause,
            }),
            Failure::Reject(cause) => Self::Reject(cause),
        }
    }
}
