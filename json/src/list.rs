//! A list that is all there is in an object: read item by item, so that an error tells at which.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};

use crate::Objects;

/// Why a text is no such list.
#[derive(Debug)]
pub struct ListError {
    /// The place of the item that is wrong, from 0; none if it is none of them.
    pub index: Option<usize>,
    /// What is wrong, with its line and column.
    pub cause: serde_json::Error,
}

/// The items of `{"FIELD": [...]}`, whose structs are objects. `fields` has the field alone.
///
/// # Errors
/// [`ListError`] with the first item that is wrong, or with what is wrong around them.
pub fn read_list<T: DeserializeOwned>(
    text: &[u8],
    fields: &'static [&'static str; 1],
) -> Result<Vec<T>, ListError> {
    let at = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(text);
    let object = Object {
        fields,
        items: Items {
            at: &at,
            item: PhantomData,
        },
    };
    let items = Objects(&mut reader).deserialize_struct("Object", fields, object);
    let items = items.and_then(|items| reader.end().map(|()| items));
    items.map_err(|cause| ListError {
        index: at.get(),
        cause,
    })
}

/// The object around the items.
struct Object<'a, T> {
    fields: &'static [&'static str; 1],
    items: Items<'a, T>,
}

/// The items, and at which of them the reading is.
struct Items<'a, T> {
    at: &'a Cell<Option<usize>>,
    item: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Object<'_, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.fields[0])
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        let Self { fields, items } = self;
        match map.next_key::<String>()? {
            None => return Err(A::Error::missing_field(fields[0])),
            Some(key) if key != fields[0] => return Err(A::Error::unknown_field(&key, fields)),
            Some(_) => {}
        }
        let items = map.next_value_seed(items)?;
        match map.next_key::<String>()? {
            None => Ok(items),
            Some(key) if key == fields[0] => Err(A::Error::duplicate_field(fields[0])),
            Some(key) => Err(A::Error::unknown_field(&key, fields)),
        }
    }
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Items<'_, T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Vec<T>, D::Error> {
        reader.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Items<'_, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        self.at.set(Some(0));
        while let Some(item) = list.next_element()? {
            items.push(item);
            self.at.set(Some(items.len()));
        }
        self.at.set(None);
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Item {
        a: u8,
    }

    fn read(text: &str) -> Result<Vec<Item>, (Option<usize>, String)> {
        let read = read_list(text.as_bytes(), &["items"]);
        read.map_err(|error| (error.index, error.cause.to_string()))
    }

    #[test]
    fn items_are_read_in_their_order() {
        let items = [Item { a: 1 }, Item { a: 2 }];
        assert_eq!(
            read(r#" {"items": [{"a": 1}, {"a": 2}]} "#),
            Ok(items.into())
        );
        assert_eq!(read(r#"{"items": []}"#), Ok(Vec::new()));
    }

    #[test]
    fn an_error_names_the_item_or_none() {
        for (wrong, index, said) in [
            (
                r#"{"items": [{"a": 1}, {"b": 2}]}"#,
                Some(1),
                "unknown field `b`",
            ),
            (r#"{"items": [{"a": 300}]}"#, Some(0), "300"),
            (
                r#"{"items": [{"a": 1}, {"a": 1}, [1]]}"#,
                Some(2),
                "expected an object, found an array",
            ),
            (r#"{"items": [{"a": 1}"#, Some(1), "EOF"),
            ("{}", None, "missing field `items`"),
            (r#"{"item": []}"#, None, "unknown field `item`"),
            (
                r#"{"items": [], "items": []}"#,
                None,
                "duplicate field `items`",
            ),
            (
                r#"{"items": [], "other": 1}"#,
                None,
                "unknown field `other`",
            ),
            (r#"{"items": 1}"#, None, "expected a list"),
            ("[[]]", None, "expected an object, found an array"),
            (r#"{"items": []} x"#, None, "trailing"),
        ] {
            let (at, cause) = read(wrong).unwrap_err();
            assert_eq!(at, index, "{wrong}: {cause}");
            assert!(cause.contains(said), "{wrong}: {cause}");
        }
    }
}
