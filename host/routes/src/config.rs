//! A plugin's config: TOML values of any type, as the text that `config.get` returns.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};
use toml::de::{DeInteger, DeValue};

use crate::table::Table;
use crate::units;

/// Most bytes of all names and values together.
const CONFIG_BYTES_MAX: usize = 64 << 10;

/// Reads the table. Lists and tables become JSON, everything else its plain text.
pub(crate) fn read(table: &Table<'_>) -> BTreeMap<String, String> {
    let values: BTreeMap<_, _> = table
        .all()
        .map(|named| (named.name.to_owned(), text(named.field.value.get_ref())))
        .collect();
    let size: usize = values
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > CONFIG_BYTES_MAX {
        table.refuse(format!(
            "has {}, more than the {} allowed",
            units::size(size),
            units::size(CONFIG_BYTES_MAX)
        ));
    }
    values
}

/// A value as text: lists and tables as JSON.
pub(crate) fn text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Float(float) => float.as_str().to_owned(),
        DeValue::Boolean(boolean) => boolean.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::Integer(integer) => decimal(integer),
        DeValue::Array(_) | DeValue::Table(_) => json(value).to_string(),
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(entries) => {
            let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<_>)| {
                (
                    text(&DeValue::String(Clone::clone(key.get_ref()))),
                    json(value.get_ref()),
                )
            };
            Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
        }
        DeValue::Integer(_) | DeValue::Float(_) => {
            let number = text(value);
            // JSON knows neither infinities nor more than 64 bits.
            number
                .parse::<Number>()
                .map_or(Value::String(number), Value::Number)
        }
        DeValue::String(_) | DeValue::Datetime(_) => Value::String(text(value)),
    }
}

/// An integer in decimal, however it was written.
fn decimal(integer: &DeInteger<'_>) -> String {
    i128::from_str_radix(integer.as_str(), integer.radix())
        .map_or_else(|_| integer.to_string(), |number| number.to_string())
}
