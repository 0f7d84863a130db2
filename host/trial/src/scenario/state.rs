//! What keys' states hold when a scenario begins.

use std::collections::BTreeMap;

use toml::Spanned;
use wasmill_model::limits::{KEY_BYTES_MAX, STATE_NAME_BYTES_MAX};

use super::raw::{self, Wrong};
use super::{Body, State};

/// Reads the states that a scenario begins with.
pub(super) fn states(stated: Vec<Spanned<raw::State>>) -> Result<Vec<State>, Wrong> {
    let mut states: Vec<State> = Vec::with_capacity(stated.len());
    for one in stated {
        let at = one.span().start;
        let read = state(one)?;
        if states.iter().any(|it| it.key == read.key) {
            let what = format!("the state of key `{}` is stated before: keep one", read.key);
            return Err(Wrong { at, what });
        }
        states.push(read);
    }
    Ok(states)
}

fn state(stated: Spanned<raw::State>) -> Result<State, Wrong> {
    let at = stated.span().start;
    let wrong = |what: String| Wrong { at, what };
    let raw::State {
        key,
        version,
        entries,
    } = stated.into_inner();
    if !(1..=KEY_BYTES_MAX).contains(&key.len()) {
        return Err(wrong(format!("a key has 1 to {KEY_BYTES_MAX} bytes")));
    }
    if entries.is_empty() {
        let what = "a state without entries is none: give it some, or leave it out";
        return Err(wrong(what.to_owned()));
    }
    let version = match version {
        Some(zero) if *zero.get_ref() == 0 => {
            return Err(Wrong::at(&zero, "versions of a schema count from 1"));
        }
        Some(version) => version.into_inner(),
        None => 1,
    };
    let mut read = BTreeMap::new();
    for (name, value) in entries {
        if name.is_empty() || name.len() > STATE_NAME_BYTES_MAX || name.contains('\0') {
            let what = format!("an entry's name has 1 to {STATE_NAME_BYTES_MAX} bytes and no NUL");
            return Err(Wrong::at(&value, what));
        }
        read.insert(name.into(), bytes(value)?);
    }
    Ok(State {
        key: key.into(),
        version,
        entries: read,
    })
}

fn bytes(stated: Spanned<raw::Entry>) -> Result<bytes::Bytes, Wrong> {
    let at = stated.span().start;
    let raw::Entry {
        absent,
        json,
        body,
        body_base64,
    } = stated.into_inner();
    match (absent, Body::of(json, body, body_base64)) {
        (false, Ok(Some(body))) => Ok(body.into_bytes()),
        (_, Err(what)) => Err(Wrong { at, what }),
        _ => {
            let what = "an entry at the start has one of `json`, `body` and `body_base64`";
            let what = what.to_owned();
            Err(Wrong { at, what })
        }
    }
}
