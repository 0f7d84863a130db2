//! Bodies and values: as JSON, as text, or as bytes in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde_json::Value;

use crate::shown::shown;

/// What a body, or an entry of a key's state, is to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    /// This value, however it is written.
    Json(Value),
    /// These bytes.
    Bytes(Bytes),
}

impl Body {
    /// The body that a table of the file states; none if it states none.
    pub(super) fn of(
        json: Option<Value>,
        body: Option<String>,
        base64: Option<String>,
    ) -> Result<Option<Self>, String> {
        match (json, body, base64) {
            (None, None, None) => Ok(None),
            (Some(value), None, None) => Ok(Some(Self::Json(value))),
            (None, Some(text), None) => Ok(Some(Self::Bytes(text.into()))),
            (None, None, Some(text)) => match BASE64.decode(&text) {
                Ok(bytes) => Ok(Some(Self::Bytes(bytes.into()))),
                Err(error) => Err(format!("`body_base64` is no base64: {error}")),
            },
            _ => Err("has several bodies: keep one of `json`, `body` and `body_base64`".to_owned()),
        }
    }

    /// As it is sent.
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Json(value) => value.to_string().into(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Whether `bytes` are that.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Json(wanted) => {
                serde_json::from_slice::<Value>(bytes).is_ok_and(|found| same(wanted, &found))
            }
            Self::Bytes(wanted) => wanted == bytes,
        }
    }

    /// For people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Json(value) => value.to_string(),
            Self::Bytes(bytes) => shown(bytes),
        }
    }
}

/// Whether two values are the same. TOML and some languages write whole numbers as floats or the
/// other way round, so numbers are compared by what they are worth.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || (a.as_f64() == b.as_f64() && !(a.is_i64() && b.is_i64()))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let has = |(name, value)| b.get(name).is_some_and(|it| same(value, it));
            a.len() == b.len() && a.iter().all(has)
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_compared_as_values_and_text_byte_by_byte() {
        let wanted: Value = serde_json::from_str(r#"{"a": 1, "b": [2.0, "x"]}"#).unwrap();
        let wanted = Body::Json(wanted);
        assert!(wanted.is(br#"{"b":[2,"x"],"a":1}"#));
        assert!(!wanted.is(br#"{"b":[2,"x"],"a":1,"c":null}"#));
        assert!(!wanted.is(br#"{"b":[2,"x"],"a":"1"}"#));
        assert!(!wanted.is(b"no json"));
        assert!(!Body::Bytes("{}".into()).is(b"{ }"));
    }
}
