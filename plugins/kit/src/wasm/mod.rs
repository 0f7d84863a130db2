//! The host behind the WIT imports: the clock, the store and the queues of the sandbox.

mod files;
mod http;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::imports::{config, log, queue, state, timer, transaction};
use crate::{Delivery, Error, HalfState, Host, Level, Outgoing, Transactional};

/// The real host.
#[derive(Clone, Copy, Debug)]
pub struct Wasm;

impl Host for Wasm {
    fn now(&self) -> u64 {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
    }

    fn config(&self, name: &str) -> Option<String> {
        config::get(name)
    }

    fn random_id(&mut self) -> String {
        hex::encode(wasip2::random::random::get_random_bytes(16))
    }

    fn log(&mut self, level: Level, line: &str) {
        log::write(level, line);
    }

    fn get(&mut self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        state::get(name)
    }

    fn put(&mut self, name: &str, value: &[u8]) -> Result<(), Error> {
        state::put(name, value)
    }

    fn send_message(&mut self, message: Outgoing) -> Result<(), Error> {
        queue::send(&message).map(drop)
    }

    fn set_timer(&mut self, name: &str, at: u64, topic: &str) -> Result<(), Error> {
        let alarm = timer::Alarm {
            topic: topic.to_owned(),
            tag: None,
            headers: Vec::new(),
            body: b"{}".to_vec(),
        };
        timer::set(name, Delivery::At(at), &alarm)
    }

    fn cancel_timer(&mut self, name: &str) -> Result<(), Error> {
        timer::cancel(name).map(drop)
    }
}

impl Transactional for Wasm {
    fn prepare(&mut self, name: &str, message: Outgoing) -> Result<HalfState, Error> {
        transaction::prepare(name, &message)
    }

    fn commit(&mut self, name: &str) -> Result<HalfState, Error> {
        transaction::commit(name)
    }

    fn roll_back(&mut self, name: &str) -> Result<HalfState, Error> {
        transaction::rollback(name)
    }
}
