//! Builds what plugins see of a request.

use axum::http::HeaderMap;
use wasmill_model::limits::{KEY_BYTES_MAX, STATE_NAME_BYTES_MAX};
use wasmill_model::{Name, trace};

use crate::error::Error;

/// The header that carries the producer's id of a request.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest `tracestate` that is passed on: as much as the recommendation asks for.
const STATE_BYTES_MAX: usize = 512;

/// The pairs of a query string, percent-decoded, in their order.
pub(crate) fn query_pairs(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .into_owned()
        .collect()
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

/// The trace context of a request, as headers of its message; none if it is in no trace.
pub(crate) fn trace(headers: &[(String, String)]) -> Vec<(Name, Name)> {
    let find = |name: &str| headers.iter().find(|(it, _)| it == name);
    let Some((_, parent)) = find(trace::PARENT).filter(|(_, it)| trace::is_parent(it)) else {
        return Vec::new();
    };
    let mut context = vec![(trace::PARENT.into(), parent.as_str().into())];
    if let Some((name, state)) = find(trace::STATE).filter(|(_, it)| it.len() <= STATE_BYTES_MAX) {
        context.push((name.as_str().into(), state.as_str().into()));
    }
    context
}

/// Adds a trace context to a message's headers, unless it has its own.
pub(crate) fn join_trace(headers: &mut Vec<(Name, Name)>, context: Vec<(Name, Name)>) {
    if !headers.iter().any(|(name, _)| name == trace::PARENT) {
        headers.extend(context);
    }
}
