//! What is shown of bytes that may be many: their beginning, and what tells them from others.

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Most bytes that are shown.
const SHOWN_BYTES_MAX: usize = 4 << 10;

/// Bytes, or the first 4 KiB of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Those that are shown. Text is not cut within a character.
    pub shown: Bytes,
    /// How many there are.
    pub bytes: usize,
    /// The SHA-256 of all of them, hexadecimal; none if all of them are shown.
    pub sha256: Option<String>,
}

impl Excerpt {
    /// An excerpt that keeps nothing else of `whole`.
    #[must_use]
    pub fn of(whole: &[u8]) -> Self {
        let shown = beginning(whole);
        let is_cut = shown.len() < whole.len();
        Self {
            shown: Bytes::copy_from_slice(shown),
            bytes: whole.len(),
            sha256: is_cut.then(|| hex::encode(Sha256::digest(whole))),
        }
    }
}

fn beginning(whole: &[u8]) -> &[u8] {
    let Some(first) = whole.get(..SHOWN_BYTES_MAX) else {
        return whole;
    };
    match str::from_utf8(first) {
        Err(cut) if cut.error_len().is_none() => &first[..cut.valid_up_to()],
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_whole_and_what_is_long_is_cut_between_characters() {
        let short = Excerpt::of(b"abc");
        assert_eq!((&*short.shown, short.bytes), (&b"abc"[..], 3));
        assert_eq!(short.sha256, None);

        let long = format!("a{}", "\u{e9}".repeat(SHOWN_BYTES_MAX));
        let cut = Excerpt::of(long.as_bytes());
        assert_eq!(cut.shown.len(), SHOWN_BYTES_MAX - 1);
        assert!(str::from_utf8(&cut.shown).is_ok());
        assert_eq!(cut.bytes, long.len());
        let hash = hex::encode(Sha256::digest(&long));
        assert_eq!(cut.sha256, Some(hash));

        let binary = Excerpt::of(&[0xff; 2 * SHOWN_BYTES_MAX]);
        assert_eq!(binary.shown.len(), SHOWN_BYTES_MAX);
    }
}
