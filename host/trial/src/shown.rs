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
        Ok(text) => printable(text),
        Err(_) => format!("base64:{}", BASE64.encode(bytes)),
    };
    cut(text, bytes.len())
}

/// A text of the plugin's without what a terminal would take for a command, or hide. A text that is
/// printable stays as it is.
#[must_use]
pub fn printable(text: &str) -> String {
    let shown = |char: char| match char.is_control() || is_hidden(char) {
        true => char.escape_default().to_string(),
        false => char.to_string(),
    };
    text.chars().map(shown).collect()
}

/// Whether a terminal shows nothing of it, but goes to another line or turns the text round.
fn is_hidden(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// As much of a text as is shown, which stands for so many bytes.
fn cut(text: String, bytes: usize) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}... ({bytes} bytes)", &text[..end]),
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
        assert_eq!(printable("a\u{202e}b\u{85}c é"), "a\\u{202e}b\\u{85}c é");
        assert_eq!(printable("\\u{1b}"), "\\u{1b}");
        assert!(shown(&[b'x'; 1000]).ends_with("x... (1000 bytes)"));
        // The bytes are those of the body, and not of what is shown of it.
        assert!(shown(&[0x1b; 1000]).ends_with("... (1000 bytes)"));
        assert!(shown(&[0xff; 1000]).ends_with("... (1000 bytes)"));
    }

    #[test]
    fn spans_are_shown_as_they_are_written() {
        for text in ["365d", "1d 2h 3m 4s 5ms", "90ms"] {
            assert_eq!(span(humantime::parse_duration(text).unwrap()), text);
        }
        assert_eq!(span(Duration::ZERO), "0s");
    }
}
