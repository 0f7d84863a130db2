//! A deserializer that reads a struct from a JSON object and from nothing else.
//!
//! What serde derives for a struct also takes an array, field by field in their order. At a door
//! that would let `["o-1", "ann"]` in as an order, and a field added in the middle would give it
//! another meaning; so an array where an object belongs is refused, however deep it lies.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// Reads as `D` does, but structs from objects only. `D` describes itself, as JSON does.
#[derive(Debug)]
pub struct Objects<D>(
    /// What reads.
    pub D,
);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Objects<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Within::anything(visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_struct(name, fields, Within::object(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Within::anything(visitor))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_newtype_struct(name, Within::anything(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0
            .deserialize_enum(name, variants, Within::anything(visitor))
    }

    /// What nobody reads is skipped, not looked into.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_ignored_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier
    }
}

/// Something read, with all that lies in it read by [`Objects`].
struct Within<T> {
    inner: T,
    /// Whether it has to be an object.
    object: bool,
}

impl<T> Within<T> {
    fn anything(inner: T) -> Self {
        Self {
            inner,
            object: false,
        }
    }

    fn object(inner: T) -> Self {
        Self {
            inner,
            object: true,
        }
    }
}

/// Hands plain values on as they are.
macro_rules! hand_on {
    ($($visit:ident: $type:ty),+ $(,)?) => {
        $(fn $visit<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$visit(value)
        })+
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Within<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    hand_on! {
        visit_bool: bool,
        visit_i64: i64,
        visit_u64: u64,
        visit_i128: i128,
        visit_u128: u128,
        visit_f64: f64,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_string: String,
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Objects(deserializer))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(Objects(deserializer))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        if self.object {
            return Err(A::Error::custom("expected an object, found an array"));
        }
        self.inner.visit_seq(Within::anything(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(Within::anything(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(Within::anything(variant))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Within<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Objects(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Within<A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        self.inner.next_element_seed(Within::anything(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Within<A> {
    type Error = A::Error;

    /// A name: nothing lies in it.
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.inner.next_key_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.next_value_seed(Within::anything(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Within<A> {
    type Error = A::Error;
    type Variant = Within<A::Variant>;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self::Variant), A::Error> {
        let (name, content) = self.inner.variant_seed(seed)?;
        Ok((name, Within::anything(content)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Within<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.inner.newtype_variant_seed(Within::anything(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, Within::anything(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Within::object(visitor))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use super::Objects;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Order {
        items: Vec<Item>,
        address: Option<Address>,
        #[serde(default)]
        paid: Paid,
        pair: (u8, String),
        rate: f64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Item(Piece);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Piece {
        sku: String,
        quantity: u64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Address {
        city: String,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    enum Paid {
        #[default]
        Not,
        By {
            card: String,
        },
        In(Address),
    }

    fn order(text: &str) -> Result<Order, String> {
        let rest = r#""pair": [1, "x"], "rate": 2"#;
        of(&format!("{{{text}, {rest}}}"))
    }

    fn of<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        let mut reader = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(Objects(&mut reader))
            .map_err(|error| format!("{}: {}", error.path(), error.inner()))
    }

    #[test]
    fn objects_and_true_arrays_are_read_as_ever() {
        let text = r#""items": [{"sku": "a", "quantity": 1}], "address": null, "paid": "Not""#;
        let read = order(text).expect("right");
        assert_eq!((read.items.len(), read.pair.0, read.rate), (1, 1, 2.0));
        let text =
            r#""items": [], "address": {"city": "B"}, "paid": {"By": {"card": "7"}}, "x": [[]]"#;
        let read = order(text).expect("right");
        assert_eq!(read.address.map(|it| it.city).as_deref(), Some("B"));
        assert_eq!(
            read.paid,
            Paid::By {
                card: "7".to_owned()
            }
        );
    }

    #[test]
    fn an_array_in_place_of_an_object_is_refused_where_it_is() {
        let found = "expected an object, found an array";
        let cases = [
            (r#""items": [["a", 1]]"#, "items[0]"),
            (r#""items": [], "address": ["B"]"#, "address"),
            (r#""items": [], "paid": {"By": ["7"]}"#, "paid.By"),
            (r#""items": [], "paid": {"In": ["B"]}"#, "paid.In"),
        ];
        for (text, path) in cases {
            let refused = order(text).expect_err(text);
            assert!(
                refused.starts_with(&format!("{path}: {found}")),
                "{refused}"
            );
        }
        let refused = of::<Address>(r#"["B"]"#).expect_err("an array");
        assert!(refused.starts_with(&format!(".: {found}")), "{refused}");
    }

    #[test]
    fn a_wrong_type_is_told_as_serde_tells_it() {
        let refused = order(r#""items": [{"sku": 5, "quantity": 1}]"#).expect_err("no text");
        let expected = "items[0].sku: invalid type: integer `5`, expected a string";
        assert!(refused.starts_with(expected), "{refused}");
        let refused = order(r#""items": 5"#).expect_err("no list");
        let expected = "items: invalid type: integer `5`, expected a sequence";
        assert!(refused.starts_with(expected), "{refused}");
    }
}
