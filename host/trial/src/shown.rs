//! Bytes and times for people.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use wasmill_model::Millis;

/// Most characters of a body that are shown.
const SHOWN_MAX: usize = 400;

/// Bytes for people: as text if they are, else in base64.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok("") => return "(empty)".to_owned(),
        Ok(text) => text.chars().map(printable).collect(),
        Err(_) => format!("base64:{}", BASE64.encode(bytes)),
    };
    cut(text)
}

fn printable(char: char) -> String {
    match char.is_control() {
        true => char.escape_default().to_string(),
        false => char.to_string(),
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text,
    }
}

/// A span of time, in days and smaller units.
pub(crate) fn span(span: Duration) -> String {
    let millis = span.as_millis();
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1_000, "s"),
        (1, "ms"),
    ];
    let (mut rest, mut parts) = (millis, Vec::new());
    for (unit, name) in units {
        if rest >= unit {
            parts.push(format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    match parts.is_empty() {
        true => "0s".to_owned(),
        false => parts.join(" "),
    }
}

/// A point in time.
pub(crate) fn time(at: Millis) -> String {
    let at = std::time::UNIX_EPOCH.checked_add(Duration::from_millis(at.0));
    at.map_or_else(
        || "the end of time".to_owned(),
        |at| humantime::format_rfc3339_millis(at).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_printable_and_short() {
        assert_eq!(shown(b"a\x1b[2J"), "a\\u{1b}[2J");
        assert_eq!(shown(&[0xff]), "base64:/w==");
        assert!(shown(&[b'x'; 1000]).ends_with("... (1000 bytes)"));
    }

    #[test]
    fn spans_are_shown_as_they_are_written() {
        for text in ["365d", "1d 2h 3m 4s 5ms", "90ms"] {
            assert_eq!(span(humantime::parse_duration(text).unwrap()), text);
        }
        assert_eq!(span(Duration::ZERO), "0s");
    }
}
