//! JSON of messages and state.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Failure, Message, reject};

/// Refuses an array, which serde would take for the fields of a struct in their order.
pub(crate) fn check_object(body: &[u8]) -> serde_json::Result<()> {
    match body.trim_ascii_start().first() {
        Some(b'[') => Err(serde::de::Error::custom(
            "expected an object, found an array",
        )),
        _ => Ok(()),
    }
}

/// The body of `message`. One that cannot be read becomes a dead letter: it never could be.
///
/// # Errors
/// A rejection that names the topic and what is wrong with the body.
pub fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, Failure> {
    let read = check_object(&message.body).and_then(|()| serde_json::from_slice(&message.body));
    read.map_err(|error| {
        reject(format!(
            "body of `{}` cannot be read: {error}",
            message.topic
        ))
    })
}

/// `value` as JSON.
///
/// # Panics
/// If `value` is not representable in JSON, which no type of the plugins is.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structs with string keys are always JSON")
}
