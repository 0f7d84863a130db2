//! `[signatures]`: whose signatures of plugins are trusted, and which plugins must have one.

use std::collections::BTreeMap;

use wasmill_model::Name;
use wasmill_model::routes::{Signatures, SignaturesRequired};

use crate::names;
use crate::table::{Field, Table};

/// Reads the table.
pub(crate) fn read(root: &mut Table<'_>) -> Signatures {
    let mut signatures = Signatures::default();
    let Some(mut table) = root.get("signatures").and_then(|field| field.table()) else {
        return signatures;
    };
    if let Some(keys) = table.get("keys").and_then(|field| field.table()) {
        signatures.keys = read_keys(&keys);
    }
    if let Some(field) = table.get("required") {
        signatures.required = required(&field);
        if signatures.required != SignaturesRequired::OfNone && signatures.keys.is_empty() {
            let remedy = "needs a key: add `[signatures.keys]` with `NAME = \"PUBLIC KEY\"`, as \
                          `wasmill plugin keygen` prints it";
            field.refuse(remedy);
        }
    }
    table.finish();
    signatures
}

fn read_keys(table: &Table<'_>) -> BTreeMap<Name, [u8; 32]> {
    let keys = table.all().filter_map(|named| {
        if let Err(what) = names::plugin_name(named.name) {
            let what = what.replace("a plugin: its file's stem", "a key: it");
            table
                .report
                .add(named.name_offset, format!("the key's name {what}"));
        }
        Some((named.name.into(), named.field.parsed(key)?))
    });
    keys.collect()
}

fn required(field: &Field<'_>) -> SignaturesRequired {
    if field.value.get_ref().as_array().is_none() {
        return match field.boolean() {
            Some(true) => SignaturesRequired::OfAll,
            _ => SignaturesRequired::OfNone,
        };
    }
    let plugins = field.items().unwrap_or_default();
    let name = |text: &str| names::plugin_name(text).map(Name::from);
    let plugins = plugins.iter().filter_map(|item| item.parsed(name));
    SignaturesRequired::Of(plugins.collect())
}

/// The bytes of a key in hexadecimal.
fn key(text: &str) -> Result<[u8; 32], String> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks_exact(2).map(pair).collect();
    let bytes = bytes.filter(|_| text.len() == 64);
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.ok_or_else(|| "is no public key: that is 64 hexadecimal digits".to_owned())
}
