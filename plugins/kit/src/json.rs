//! JSON of messages and state.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmill_json::Objects;

use crate::{Failure, Message, reject};

/// `text` as a `T`, whose structs are objects; or what is wrong, and with which field (`.` for the
/// whole).
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, (String, serde_json::Error)> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(Objects(&mut reader)).map_err(|error| {
        let path = error.path().to_string();
        (path, error.into_inner())
    })?;
    let end = reader.end();
    end.map_err(|error| (".".to_owned(), error))?;
    Ok(value)
}

/// The body of `message`. One that cannot be read becomes a dead letter: it never could be.
///
/// # Errors
/// A rejection that names the topic and what is wrong with the body.
pub fn decode<T: DeserializeOwned>(message: &Message) -> Result<T, Failure> {
    wasmill_json::read(&message.body).map_err(|error| {
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
