//! A record as JSON, which ends with a checksum of all that comes before it.
//!
//! Fields may come that this host does not know, so a misspelt name would pass for one. The checksum
//! tells them apart. Before there were checksums hosts wrote no field that this one does not know, and
//! left none out: so is a record judged that has none.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::record::Record;

/// What a host must know to read a record. It goes up if a field ever changes its meaning; the
/// checksum stays as it is.
pub(super) const FORMAT: u32 = 1;

/// Fields that came to records without checksums.
const LATER: [&str; 2] = ["format", "tried"];

/// How a text ends that serde writes.
const END: &str = "\n}";

/// Why a text says nothing of a plugin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Nobody can read it.
    Damaged(String),
    /// A later host wrote it, of this format.
    Newer(u32),
}

/// What every host reads of a record.
#[derive(Deserialize)]
struct Head {
    /// None was written before there was a second one to come.
    #[serde(default)]
    format: u32,
    checksum: Option<IgnoredAny>,
}

#[derive(Serialize)]
struct Body<'a> {
    format: u32,
    #[serde(flatten)]
    record: &'a Record,
}

impl From<serde_json::Error> for Unfit {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// The text of a record.
pub(super) fn write(record: &Record) -> String {
    let format = FORMAT;
    let text = serde_json::to_string_pretty(&Body { format, record });
    let mut text = text.expect("names are text, and nothing in it refuses");
    text.truncate(text.len() - END.len());
    let seal = seal(text.as_bytes());
    text + &seal
}

/// The record that a text is of.
///
/// # Errors
/// [`Unfit`].
pub(super) fn read(text: &[u8]) -> Result<Record, Unfit> {
    let Head { format, checksum } = serde_json::from_slice(text)?;
    if checksum.is_some() && !is_sealed(text) {
        return Err(Unfit::Damaged(
            "its checksum is of something else".to_owned(),
        ));
    }
    if format > FORMAT {
        return Err(Unfit::Newer(format));
    }
    let record: Record = serde_json::from_slice(text)?;
    if checksum.is_none() {
        let read = serde_json::to_value(Body {
            format,
            record: &record,
        })?;
        check_fields(&serde_json::from_slice(text)?, &read).map_err(Unfit::Damaged)?;
    }
    record.check_names().map_err(Unfit::Damaged)?;
    Ok(record)
}

/// The end of a text that begins so.
fn seal(body: &[u8]) -> String {
    let checksum = hex::encode(Sha256::digest(body));
    format!(",\n  \"checksum\": \"{checksum}\"{END}")
}

fn is_sealed(text: &[u8]) -> bool {
    let text = text.trim_ascii_end();
    let body = text.len().checked_sub(seal(b"").len());
    let parts = body.and_then(|body| text.split_at_checked(body));
    parts.is_some_and(|(body, end)| seal(body).as_bytes() == end)
}

/// Whether a text without a checksum has the fields that hosts gave it which wrote none.
fn check_fields(said: &Value, read: &Value) -> Result<(), String> {
    if let Some(field) = unknown(said, read) {
        return Err(format!("it has a field `{field}`, which no record has"));
    }
    let (Value::Object(said), Value::Object(read)) = (said, read) else {
        return Err("it is no JSON object".to_owned());
    };
    let mut wanted = read.keys().filter(|field| !LATER.contains(&&***field));
    match wanted.find(|field| !said.contains_key(*field)) {
        None => Ok(()),
        Some(field) => Err(format!("it has no field `{field}`, which every record has")),
    }
}

/// A field of `said` that was not read.
fn unknown<'a>(said: &'a Value, read: &Value) -> Option<&'a str> {
    match (said, read) {
        (Value::Object(said), Value::Object(read)) => {
            let mut fields = said.iter();
            fields.find_map(|(field, value)| match read.get(field) {
                Some(read) => unknown(value, read),
                None => Some(field.as_str()),
            })
        }
        (Value::Array(said), Value::Array(read)) => {
            let mut both = said.iter().zip(read);
            both.find_map(|(said, read)| unknown(said, read))
        }
        _ => None,
    }
}
