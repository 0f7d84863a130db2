//! Where the keys and ids of messages come from, by subscription or by ingress route.

use serde_json::Value;

use crate::{Message, Name};

/// A place in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A header's value.
    Header(Name),
    /// A JSON Pointer (RFC 6901) into the body.
    Pointer(String),
}

/// Why no key, or no id, was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The header is missing.
    #[error("the message has no header `{0}` to take a key or an id from")]
    NoHeader(Name),
    /// The body is not JSON.
    #[error("the body is not JSON, so there is no key or id at `{0}`")]
    NotJson(String),
    /// The body has no such value.
    #[error("the body has no text or integer at `{0}` to take a key or an id from")]
    NoValue(String),
    /// It is empty or too long.
    #[error("a key or an id has 1 to {max} bytes, this one has {0}", max = crate::limits::KEY_BYTES_MAX)]
    Length(usize),
}

impl KeySource {
    /// The key, or the id, of `message`: a text, or an integer, of 1 to 256 bytes.
    ///
    /// # Errors
    /// [`KeyError`] if there is none at this place.
    pub fn of(&self, message: &Message) -> Result<Name, KeyError> {
        match self {
            Self::Header(name) => checked(
                message
                    .header(name)
                    .ok_or_else(|| KeyError::NoHeader(name.clone()))?,
            ),
            Self::Pointer(pointer) => pointed(&message.body, pointer),
        }
    }
}

/// The key or id at a JSON Pointer into a body.
pub(super) fn pointed(body: &[u8], pointer: &str) -> Result<Name, KeyError> {
    let value: Value =
        serde_json::from_slice(body).map_err(|_| KeyError::NotJson(pointer.to_owned()))?;
    match value.pointer(pointer) {
        Some(Value::String(text)) => checked(text),
        Some(Value::Number(number)) if !number.is_f64() => checked(&number.to_string()),
        _ => Err(KeyError::NoValue(pointer.to_owned())),
    }
}

/// A key or id within its bounds.
pub(super) fn checked(text: &str) -> Result<Name, KeyError> {
    match text.len() {
        1..=crate::limits::KEY_BYTES_MAX => Ok(text.into()),
        length => Err(KeyError::Length(length)),
    }
}
