//! The form of names, headers and JSON Pointers. Errors read on after the field's path.

use wasmill_model::limits::{TAG_BYTES_MAX, TOPIC_BYTES_MAX};

/// Longest name of a plugin or subscription.
const NAME_BYTES_MAX: usize = 64;

/// Checks the name of a plugin, which is the stem of its file.
///
/// # Errors
/// What is wrong and what a name looks like, to be read after the name's place.
pub fn plugin_name(name: &str) -> Result<&str, String> {
    let form = "letters, digits, `-` and `_`, beginning with a letter or digit";
    let body = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && name.len() <= NAME_BYTES_MAX && name.bytes().all(body) {
        return Ok(name);
    }
    Err(format!(
        "is `{name}`, which cannot name a plugin: its file's stem has 1 to {NAME_BYTES_MAX} {form}"
    ))
}

/// Checks the name of a subscription.
pub(crate) fn subscription_name(name: &str) -> Result<&str, String> {
    named(name, "subscription")
}

/// Checks the name of a schedule.
pub(crate) fn schedule_name(name: &str) -> Result<&str, String> {
    named(name, "schedule")
}

fn named<'a>(name: &'a str, what: &str) -> Result<&'a str, String> {
    let body = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(body) {
        return Ok(name);
    }
    Err(format!(
        "cannot name a {what}: use 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_` and `.`"
    ))
}

/// Checks a topic, or with a `*` at its end a prefix of topics.
pub(crate) fn topic_pattern(text: &str) -> Result<&str, String> {
    match text.strip_suffix('*') {
        Some("") => Ok(text),
        Some(prefix) if prefix.ends_with('.') => topic(prefix).map(|_| text),
        Some(_) => Err(format!("is `{text}`, but a prefix of topics ends in `.*`")),
        None => topic(text),
    }
}

/// Checks a topic.
pub(crate) fn topic(text: &str) -> Result<&str, String> {
    let body = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if (1..=TOPIC_BYTES_MAX).contains(&text.len()) && text.bytes().all(body) {
        return Ok(text);
    }
    if text.starts_with('$') {
        return Err(format!(
            "is `{text}`, but nobody can send to the host's own topics, which begin with `$`: \
             leave that out"
        ));
    }
    Err(format!(
        "is `{text}`, but a topic has 1 to {TOPIC_BYTES_MAX} letters, digits, `-`, `_` and `.`"
    ))
}

/// The tags of `a || b`; none for `*`, which means all.
pub(crate) fn tags(text: &str) -> Result<Vec<&str>, String> {
    if text.trim() == "*" {
        return Ok(Vec::new());
    }
    let tags: Vec<_> = text.split("||").map(str::trim).collect();
    if tags
        .iter()
        .any(|tag| tag.is_empty() || tag.len() > TAG_BYTES_MAX || tag.contains('|'))
    {
        return Err(format!(
            "is `{text}`, but must be tags of 1 to {TAG_BYTES_MAX} bytes such as `a || b`, or `*`"
        ));
    }
    Ok(tags)
}

/// Checks a JSON Pointer (RFC 6901) that points into a document.
pub(crate) fn pointer(text: &str) -> Result<&str, String> {
    if !text.starts_with('/') {
        return Err(format!(
            "is `{text}`, but a JSON Pointer begins with `/`, as `/order_id`"
        ));
    }
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'~' && !matches!(rest.next(), Some(b'0' | b'1')) {
            return Err(format!(
                "is `{text}`, but in a JSON Pointer `~` is written `~0`"
            ));
        }
    }
    Ok(text)
}

/// Checks the name of an HTTP header; returns it in lower case.
pub(crate) fn http_header(name: &str) -> Result<String, String> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !name.is_empty() && name.bytes().all(token) {
        return Ok(name.to_ascii_lowercase());
    }
    Err(format!(
        "names the header `{name}`, which no HTTP header can be called"
    ))
}
