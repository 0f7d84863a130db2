//! The contract's bounds and forms, checked as the host does.

use crate::limits::{
    BODY_BYTES_MAX, HEADERS_BYTES_MAX, HEADERS_COUNT_MAX, KEY_BYTES_MAX, NAME_BYTES_MAX,
    TAG_BYTES_MAX,
};
use crate::{Delivery, Error};

/// RocketMQ's delay levels in seconds, from level 1 on.
const LEVELS: [u64; 18] = [
    1, 5, 10, 30, 60, 120, 180, 240, 300, 360, 420, 480, 540, 600, 1_200, 1_800, 3_600, 7_200,
];

/// Checks a size or a count.
pub(super) fn within(what: &str, actual: usize, limit: usize) -> Result<(), Error> {
    if actual <= limit {
        return Ok(());
    }
    Err(Error::Limit {
        what: what.to_owned(),
        limit: limit as u64,
        actual: actual as u64,
    })
}

/// Checks a name that the plugin chose.
pub(super) fn name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.contains('\0') {
        return Err(Error::Invalid(format!(
            "a name has 1 to {NAME_BYTES_MAX} bytes and no NUL, this one is {name:?}"
        )));
    }
    within("name bytes", name.len(), NAME_BYTES_MAX)
}

/// Checks the parts of a message.
pub(super) fn message(
    key: Option<&str>,
    tag: Option<&str>,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<(), Error> {
    if key.is_some_and(str::is_empty) {
        return Err(Error::Invalid("a key has at least one byte".to_owned()));
    }
    if let Some((name, _)) = headers.iter().find(|(name, _)| name.starts_with('\0')) {
        return Err(Error::Invalid(format!(
            "the name of a header must not begin with a NUL, as {name:?} does"
        )));
    }
    within("key bytes", key.map_or(0, str::len), KEY_BYTES_MAX)?;
    within("tag bytes", tag.map_or(0, str::len), TAG_BYTES_MAX)?;
    within("headers", headers.len(), HEADERS_COUNT_MAX)?;
    let pairs = headers.iter().map(|(name, value)| name.len() + value.len());
    within("header bytes", pairs.sum(), HEADERS_BYTES_MAX)?;
    within("body bytes", body.len(), BODY_BYTES_MAX)
}

/// The time to wait for; none if there is nothing to wait for.
pub(super) fn due(when: Delivery, now: u64) -> Result<Option<u64>, Error> {
    let due = match when {
        Delivery::Now => return Ok(None),
        Delivery::After(delay) => now.saturating_add(delay),
        Delivery::At(due) => due,
        Delivery::Level(level) => {
            let nth = usize::from(level).checked_sub(1);
            let seconds = nth.and_then(|nth| LEVELS.get(nth)).ok_or_else(|| {
                Error::Invalid(format!(
                    "delay level {level} is not from 1 (1 second) to 18 (2 hours); for no delay \
                     leave it out"
                ))
            })?;
            now.saturating_add(seconds * 1_000)
        }
    };
    Ok((due > now).then_some(due))
}
