//! JSON from outside, read alike by the host and by plugins: what is documented as an object is one.

mod list;
mod objects;

use serde::de::DeserializeOwned;

pub use list::{ListError, read_list};
pub use objects::Objects;

/// `text` as a `T`, whose structs are objects.
///
/// # Errors
/// What is wrong, with its line and column.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = T::deserialize(Objects(&mut reader))?;
    reader.end()?;
    Ok(value)
}
