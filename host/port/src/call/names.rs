//! Checks of names and messages.

use bytes::Bytes;
use wasmill_model::limits::{self, MessageLimits, within};
use wasmill_model::{Name, chosen};

use super::CallError;

/// Checks a name that a plugin chose.
pub(crate) fn check(name: &str) -> Result<(), CallError> {
    if name.is_empty() || name.contains('\0') {
        return Err(CallError::Invalid(format!(
            "a name has 1 to {} bytes and no NUL, this one is {name:?}",
            limits::STATE_NAME_BYTES_MAX
        )));
    }
    Ok(within(
        "name bytes",
        name.len(),
        limits::STATE_NAME_BYTES_MAX,
    )?)
}

/// Checks an entry that a plugin writes; tells its bytes.
pub(crate) fn check_entry(name: &str, value: Option<&Bytes>) -> Result<usize, CallError> {
    check(name)?;
    let bytes = value.map_or(0, Bytes::len);
    within("state value bytes", bytes, limits::STATE_VALUE_BYTES_MAX)?;
    Ok(name.len() + bytes)
}

/// Checks the parts of a message against its topic's limits.
pub(super) fn check_message(
    limits: &MessageLimits,
    key: Option<&Name>,
    tag: Option<&Name>,
    headers: &[(Name, Name)],
    body: &[u8],
) -> Result<(), CallError> {
    if key.is_some_and(|key| key.is_empty()) {
        return Err(CallError::Invalid("a key has at least one byte".to_owned()));
    }
    if let Some((name, _)) = headers.iter().find(|(name, _)| chosen::is_reserved(name)) {
        return Err(CallError::Invalid(format!(
            "the name of a header must not begin with a NUL, as {name:?} does"
        )));
    }
    Ok(limits.check(key, tag, headers, body)?)
}

/// An entry of the host's own that does not read back.
pub(super) fn damaged(what: &str) -> CallError {
    CallError::Unavailable(format!("the entry of a {what} is damaged"))
}
