//! Builds what plugins see of a request.

use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;
use wasmill_model::limits::{KEY_BYTES_MAX, STATE_NAME_BYTES_MAX};
use wasmill_model::{Name, trace};

use crate::error::Error;

/// The header that carries the producer's id of a request.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest `tracestate` that is passed on: as much as the recommendation asks for.
const STATE_BYTES_MAX: usize = 512;

/// The pairs of a query string, percent-decoded, in their order.
///
/// # Errors
/// The first parameter that is not UTF-8: plugins get text, and a replaced byte would make it
/// another one.
pub(crate) fn query_pairs(query: Option<&str>) -> Result<Vec<(String, String)>, Error> {
    let pairs = query.unwrap_or_default().split('&');
    let pairs = pairs.filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decoded(name), decoded(value)) {
            (Some(name), Some(value)) => Ok((name, value)),
            (decoded, _) => {
                let name = decoded.as_deref().unwrap_or(name);
                let detail = format!("the query parameter `{name}` is not UTF-8");
                Err(Error::bad(name, detail))
            }
        }
    });
    pairs.collect()
}

/// A name or a value as a form encodes it; none if it is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// The headers by their lower-case names. Values of a name that occurs again are joined as HTTP
/// allows; values that are not UTF-8 are left out, since plugins get text.
pub(crate) fn headers(map: &HeaderMap) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::with_capacity(map.keys_len());
    for name in map.keys() {
        let values = map.get_all(name).iter();
        let texts: Vec<_> = values
            .filter_map(|v| std::str::from_utf8(v.as_bytes()).ok())
            .collect();
        if !texts.is_empty() {
            headers.push((name.as_str().to_owned(), texts.join(", ")));
        }
    }
    headers
}

/// The producer's id in `Idempotency-Key`, if there is one.
pub(crate) fn idempotency_key(map: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(value) = map.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match std::str::from_utf8(value.as_bytes()) {
        Ok(id) if (1..=STATE_NAME_BYTES_MAX).contains(&id.len()) => Ok(Some(id.to_owned())),
        _ => Err(Error::bad(
            "Idempotency-Key",
            format!("`Idempotency-Key` must be a text of 1 to {STATE_NAME_BYTES_MAX} bytes"),
        )),
    }
}

/// A key within its bounds.
pub(crate) fn checked_key(text: String) -> Result<Name, Error> {
    match text.len() {
        1..=KEY_BYTES_MAX => Ok(text.into()),
        length => Err(Error::Bad {
            field: None,
            detail: format!("a key has 1 to {KEY_BYTES_MAX} bytes, this one has {length}"),
        }),
    }
}

/// By which headers the messages of a request join its trace; none if it is in no trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct TraceContext(Vec<(Name, Name)>);

impl TraceContext {
    /// That of a request with these headers.
    pub(crate) fn of(map: &HeaderMap) -> Self {
        let find = |name: &str| map.get(name)?.to_str().ok();
        let parent = find(trace::PARENT).filter(|parent| trace::is_parent(parent));
        let Some(parent) = parent else {
            return Self::default();
        };
        let state = find(trace::STATE).filter(|state| state.len() <= STATE_BYTES_MAX);
        let state = state.map(|state| (trace::STATE.into(), state.into()));
        let parent = (trace::PARENT.into(), parent.into());
        Self(std::iter::once(parent).chain(state).collect())
    }

    /// Adds it to a message's headers, unless the message has one of its own.
    pub(crate) fn join(self, headers: &mut Vec<(Name, Name)>) {
        if !headers.iter().any(|(name, _)| name == trace::PARENT) {
            headers.extend(self.0);
        }
    }
}
