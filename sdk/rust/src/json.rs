//! JSON of messages, requests and state.

#[expect(unreachable_pub, reason = "the file is a crate's public module too")]
mod objects;

use std::fmt::{self, Display};

use serde::de::DeserializeOwned;

use self::objects::Objects;

/// Why a text is not what it should be.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// The path of the field that is wrong; none if it is the whole.
    pub(crate) field: Option<String>,
    /// What is wrong.
    pub(crate) detail: String,
}

impl Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "`{field}`: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}

/// `text` as a `T`, whose structs are objects.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Unreadable> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = T::deserialize(Objects(&mut reader)).and_then(|value| {
        reader.end()?;
        Ok(value)
    });
    value.map_err(|error| locate::<T>(text, &error))
}

/// What is wrong with `text`, and where. Keeping track of that costs an allocation for each field,
/// so it is read again, with track kept, only now.
fn locate<T: DeserializeOwned>(text: &[u8], error: &serde_json::Error) -> Unreadable {
    let detail = error.to_string();
    if !error.is_data() {
        return Unreadable {
            field: None,
            detail,
        };
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let tracked = serde_path_to_error::deserialize::<_, T>(Objects(&mut reader));
    let path = tracked.err().map(|error| error.path().to_string());
    let path = path.filter(|path| path != ".");
    let detail = detail.split(" at line ").next().unwrap_or(&detail);
    // serde knows a missing field by name only in its text, and the path is the parent's.
    let missing = detail.strip_prefix("missing field `");
    let missing = missing.and_then(|rest| rest.split('`').next());
    let field = match (path, missing) {
        (None, missing) => missing.map(str::to_owned),
        (Some(parent), Some(name)) => Some(format!("{parent}.{name}")),
        (path, None) => path,
    };
    Unreadable {
        field,
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::read;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read into")]
    struct Order {
        id: String,
        items: Vec<Item>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read into")]
    struct Item {
        quantity: u64,
    }

    #[test]
    fn what_is_wrong_is_told_with_the_field_that_it_is_about() {
        let cases = [
            (r#"{"items": []}"#, "`id`: missing field `id`"),
            (
                r#"{"id": "o", "items": [{}]}"#,
                "`items[0].quantity`: missing field `quantity`",
            ),
            (
                r#"{"id": "o", "items": [{"quantity": -1}]}"#,
                "`items[0].quantity`: invalid value: integer `-1`, expected u64",
            ),
            (r#"["o", []]"#, "expected an object, found an array"),
            ("", "EOF while parsing a value at line 1 column 0"),
            (
                r#"{"id": "o", "items": []} x"#,
                "trailing characters at line 1 column 26",
            ),
        ];
        for (text, told) in cases {
            let Err(unreadable) = read::<Order>(text.as_bytes()) else {
                panic!("`{text}` was read");
            };
            assert_eq!(unreadable.to_string(), told, "of `{text}`");
        }
    }
}
